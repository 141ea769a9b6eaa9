#include "agent/session/device_session.h"

#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/wire/codec.h"
#include "common/wire/topics.h"
#include "tests/support/fakes/peer.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using namespace std::chrono_literals;

TEST_GROUP(DeviceSession) {
  ManualClock clock;
  FakeBroker broker;
  FakeTransport transport{broker};
  Peer cloud{broker, "cloud", {"spw/1/+/+/up/#"}};
  std::vector<wire::Presence> heard;
  std::vector<std::string> refused;
  std::size_t items = 0;
  agent::DeviceSession session{transport, options(), hooks(), events()};

  static agent::SessionOptions options() {
    agent::SessionOptions options;
    options.device = "pump-7";
    options.session_base = 40;
    return options;
  }
  link::Hooks hooks() {
    return {.now = [this] { return NodeTime(clock.boot_time()); },
            .random = [] { return std::uint64_t{0}; },
            .wall = [this] { return clock.wall_time(); }};
  }
  agent::SessionEvents events() {
    return {.up = [] {},
            .down = [](const Error&) {},
            .cloud = [this](const wire::Presence& presence) { heard.push_back(presence); },
            .item = [this](const wire::Item&) { items += 1; },
            .refused = [this](const std::string& cause,
                              const std::string&) { refused.push_back(cause); },
            .changed = [] {}};
  }
  void setup() override {
    cloud.connect();
    broker.run();
    session.start();
    broker.run();
    CHECK(session.up());
  }
  void cloud_says(bool online, std::uint64_t number, Duration floor = {}, std::uint64_t boot = 0) {
    wire::Presence presence;
    presence.online = online;
    presence.session = number;
    presence.reconnect_floor = floor;
    presence.boot = BootId{boot};
    cloud.publish(std::string(wire::kCloudState), wire::encode(presence), true);
    broker.run();
  }
  void reconnect() {
    clock.advance(1min);
    session.connection().on_timer();
    broker.run();
    CHECK(session.up());
  }
};

TEST(DeviceSession, each_connection_is_born_under_a_higher_number_and_its_will_bears_it) {
  CHECK(cloud.presences().back().online);
  CHECK_EQUAL(41, cloud.presences().back().session);
  broker.cut("pump-7");
  broker.run();
  CHECK_FALSE(cloud.presences().back().online);
  CHECK_EQUAL(41, cloud.presences().back().session);
  reconnect();
  CHECK(cloud.presences().back().online);
  CHECK_EQUAL(42, cloud.presences().back().session);
}

TEST(DeviceSession, says_goodbye_when_it_is_stopped) {
  session.stop();
  broker.run();
  CHECK(cloud.presences().back().graceful);
}

TEST(DeviceSession, the_cloud_is_there_until_a_will_of_its_present_session_says_otherwise) {
  CHECK_FALSE(session.cloud_online());
  cloud_says(true, 8);
  CHECK(session.cloud_online());
  cloud_says(false, 7);
  CHECK(session.cloud_online());
  cloud_says(false, 8);
  CHECK_FALSE(session.cloud_online());
  CHECK_EQUAL(2, heard.size());
}

TEST(DeviceSession, the_will_of_a_cloud_whose_numbers_went_back_does_not_end_the_present_one) {
  cloud_says(true, 50, {}, 7);
  cloud_says(true, 20, {}, 8);
  CHECK(session.cloud_online());
  cloud_says(false, 50, {}, 7);
  CHECK(session.cloud_online());
  cloud_says(false, 20, {}, 8);
  CHECK_FALSE(session.cloud_online());
}

TEST(DeviceSession, without_a_link_the_cloud_is_not_there) {
  cloud_says(true, 8);
  broker.cut("pump-7");
  broker.run();
  CHECK_FALSE(session.cloud_online());
  reconnect();
  CHECK(session.cloud_online());
}

TEST(DeviceSession, waits_for_the_floor_that_the_cloud_asks_for_before_it_returns) {
  cloud_says(true, 8, 20s);
  broker.cut("pump-7");
  broker.run();
  CHECK(session.connection().next_timer() == NodeTime(clock.boot_time()) + 20s);
}

TEST(DeviceSession, refuses_what_it_cannot_read_and_says_why) {
  const std::string down = wire::to_string({"pump-7", wire::Direction::down, wire::Channel::ack});
  cloud.publish(std::string(wire::kCloudState), to_bytes("no presence"));
  cloud.publish(down, to_bytes("no message"));
  cloud.send(down, {wire::Echo{1, false, {}}});
  broker.run();
  CHECK(refused == (std::vector<std::string>{"malformed presence", "malformed message"}));
  CHECK_EQUAL(1, items);
}
