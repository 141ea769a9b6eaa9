#include "cloud/session/cloud_session.h"

#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/wire/codec.h"
#include "common/wire/topics.h"
#include "tests/support/fakes/peer.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

TEST_GROUP(CloudSession) {
  ManualClock clock;
  FakeBroker broker;
  FakeTransport transport{broker};
  Peer device{broker, "pump-7", {std::string(wire::kCloudState)}};
  std::vector<wire::Presence> seen;
  std::vector<std::string> items, refused;
  int cloned = 0, floods = 0;
  cloud::SessionOptions options;
  std::unique_ptr<cloud::CloudSession> session;

  void start() {
    link::Hooks hooks{.now = [this] { return NodeTime(clock.boot_time()); },
                      .random = [] { return std::uint64_t{0}; },
                      .wall = [this] { return clock.wall_time(); }};
    cloud::SessionEvents events{
        .up = [] {},
        .down = [](const Error&) {},
        .device = [this](const std::string&,
                         const wire::Presence& presence) { seen.push_back(presence); },
        .item = [this](const std::string& from, const wire::Item&) { items.push_back(from); },
        .cloned = [this](const std::string&, const wire::Presence&) { cloned += 1; },
        .flooding = [this](const std::string& from) { floods += from == "pump-7" ? 1 : 0; },
        .refused = [this](const std::string& cause,
                          const std::string&) { refused.push_back(cause); },
        .changed = [] {}};
    session = std::make_unique<cloud::CloudSession>(transport, options, std::move(hooks),
                                                    std::move(events));
    session->start();
    device.connect();
    broker.run();
  }
  static std::string up(wire::Channel channel, const std::string& name = "pump-7") {
    return wire::to_string({name, wire::Direction::up, channel});
  }
  void say(bool online, std::uint64_t number, std::uint64_t boot = 1) {
    wire::Presence presence;
    presence.online = online;
    presence.session = number;
    presence.boot = BootId{boot};
    device.publish(up(wire::Channel::state), wire::encode(presence), true);
    broker.run();
  }
};

TEST(CloudSession, says_that_it_is_there_and_its_will_that_it_went) {
  start();
  CHECK(device.presences().back().online);
  const std::uint64_t number = device.presences().back().session;
  broker.cut("cloud");
  broker.run();
  CHECK_FALSE(device.presences().back().online);
  CHECK_FALSE(device.presences().back().graceful);
  CHECK_EQUAL(number, device.presences().back().session);
}

TEST(CloudSession, says_goodbye_when_it_is_stopped) {
  start();
  session->stop();
  broker.run();
  CHECK_FALSE(device.presences().back().online);
  CHECK(device.presences().back().graceful);
}

TEST(CloudSession, a_late_will_does_not_end_a_newer_session) {
  start();
  say(true, 5);
  say(true, 6);
  say(false, 5);
  CHECK_EQUAL(2, seen.size());
  say(false, 6);
  CHECK_FALSE(seen.back().online);
}

TEST(CloudSession, a_device_that_lost_its_store_is_believed_and_its_old_will_is_not) {
  start();
  say(true, 900, 1);
  say(true, 1, 2);
  CHECK(seen.back().online);
  CHECK_EQUAL(1, seen.back().session);
  say(false, 1, 2);
  CHECK_FALSE(seen.back().online);
}

TEST(CloudSession, the_end_of_the_life_before_does_not_end_one_of_the_same_number) {
  start();
  say(true, 3, 7);
  say(true, 3, 8);
  say(false, 3, 7);
  CHECK(seen.back().online);
  say(false, 3, 8);
  CHECK_FALSE(seen.back().online);
}

TEST(CloudSession, two_devices_with_one_identity_are_named_once_and_a_restart_is_not) {
  start();
  for (std::uint64_t boot = 1; boot <= 5; ++boot) say(true, boot, boot);
  say(true, 9, 4);
  CHECK(refused.empty());
  for (std::uint64_t number = 10; number <= 20; ++number) say(true, number, 4 + number % 2);
  CHECK(refused == std::vector<std::string>{"cloned identity"});
}

TEST(CloudSession, devices_of_one_image_are_named_once_and_again_when_it_happens_again) {
  start();
  std::uint64_t number = 0;
  for (; number < 50; ++number) say(true, number + 1, 1 + number % 5);
  CHECK_EQUAL(44, cloned);
  CHECK(refused == std::vector<std::string>{"cloned identity"});
  clock.advance(std::chrono::minutes(11));
  for (; number < 100; ++number) say(true, number + 1, 11 + number % 5);
  CHECK_EQUAL(88, cloned);
  CHECK_EQUAL(2, refused.size());
}

TEST(CloudSession, each_birth_that_shows_two_devices_with_one_identity_is_told) {
  start();
  for (std::uint64_t number = 1; number <= 6; ++number) say(true, number, 4 + number % 2);
  CHECK_EQUAL(3, cloned);
  // One of the devices has gone; births that are overtaken now and then are no second device.
  for (std::uint64_t boot = 10; boot <= 20; boot += 2) {
    say(true, boot, boot);
    say(true, boot + 1, boot + 1);
    say(true, boot + 2, boot);
  }
  CHECK_EQUAL(3, cloned);
}

TEST(CloudSession, a_birth_of_the_same_boot_that_was_overtaken_is_not_heard) {
  start();
  say(true, 6);
  say(true, 5);
  CHECK_EQUAL(1, seen.size());
}

TEST(CloudSession, refuses_what_it_cannot_read_and_says_why) {
  start();
  device.publish(up(wire::Channel::state), to_bytes("no presence"));
  device.publish(up(wire::Channel::task), to_bytes("no message"));
  device.publish("spw/1/zz/pump-7/up/task", to_bytes("no shard"));
  broker.run();
  CHECK(refused ==
        (std::vector<std::string>{"malformed presence", "malformed message", "wrong topic"}));
  CHECK(items.empty());
}

TEST(CloudSession, charges_wrong_topics_to_the_device_that_they_name) {
  start();
  for (int i = 0; i < 405; ++i) device.publish("spw/1/zz/pump-7/up/task", to_bytes("no shard"));
  broker.run();
  CHECK_EQUAL(400, refused.size());
  CHECK_EQUAL(5, floods);
}

TEST(CloudSession, tells_whose_item_it_is_by_the_topic) {
  start();
  device.send(up(wire::Channel::ack), {wire::Echo{1, false, {}}, wire::Echo{2, false, {}}});
  broker.run();
  CHECK(items == (std::vector<std::string>{"pump-7", "pump-7"}));
}

TEST(CloudSession, one_for_a_shard_hears_that_shard_alone) {
  options.shard = wire::shard_of("pump-7");
  start();
  std::string other = "pump-8";
  while (wire::shard_of(other) == *options.shard) other += "x";
  device.send(up(wire::Channel::ack, other), {wire::Echo{1, false, {}}});
  device.send(up(wire::Channel::ack), {wire::Echo{2, false, {}}});
  broker.run();
  CHECK(items == std::vector<std::string>{"pump-7"});
  CHECK(broker.connected("cloud-" + std::to_string(*options.shard)));
}
