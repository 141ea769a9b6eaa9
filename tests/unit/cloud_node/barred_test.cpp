#include "tests/unit/cloud_node/watched_rig.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using lifecycle::LeaseState;

// What an operator has barred, in the fleet that the node watches.
TEST_GROUP_BASE(BarredDevice, WatchedRig){void mark(bool quarantined){cloud::DeviceChange change;
change.quarantined = quarantined;
make(change);
}
void make(const cloud::DeviceChange& change) {
  fleet.change("pump-7", change, std::nullopt, [](const Result<void>& done) { CHECK(done.ok()); });
  world.clock.advance(1s);
  (void)fleet.cycle();
  if (world.cloud.on()) world.settle();
}
void be_born(std::uint64_t session) {
  wire::Presence presence;
  presence.online = true;
  presence.session = session;
  presence.kinds = {{"echo", 1, true}};
  world.device.publish(CloudWorld::up("pump-7", wire::Channel::state), wire::encode(presence),
                       true);
}
void submit() {
  world.cloud.node().dispatch()->submit({world.spec("x"), std::vector<std::string>{"pump-7"}, ""},
                                        [](const auto& made) { CHECK(made.ok()); });
  world.settle();
}
}
;

TEST(BarredDevice, has_its_work_stopped_and_its_offers_refused_until_it_is_released) {
  world.say_offer(CloudWorld::offer(1));
  world.say_offer(CloudWorld::offer(2));
  CHECK(world.runs(1));
  world.device.forget();
  mark(true);
  CHECK(world.cloud.runner().running().begin()->second.told_to_stop);
  CHECK(world.state(1) == LeaseState::answered);
  CHECK(world.state(2) == LeaseState::answered);
  world.say_offer(CloudWorld::offer(3));
  STRCMP_EQUAL("barred", world.nacked().c_str());
  CHECK(world.cloud.disk.rows.count(CloudWorld::id(3)) == 0);
  mark(false);
  world.say_offer(CloudWorld::offer(3, 2));
  CHECK_EQUAL(1U, world.device.take<wire::Accept>().size());
}

TEST(BarredDevice, stops_what_it_was_given_and_is_given_it_again_once_released) {
  be_born(2);
  world.say(wire::Credits{4, {}, 1, 1 << 30});
  submit();
  const TaskId id = world.cloud.dispatched.id_of(1);
  CHECK_EQUAL(1, world.device.take<wire::Offer>().size());
  world.say(wire::Accept{id, Epoch{1}});
  CHECK(world.cloud.dispatched.state(1) == TaskState::leased);
  mark(true);
  const auto stops = world.device.take<wire::Cancel>();
  CHECK_EQUAL(1, stops.size());
  CHECK(stops.at(0) == (wire::Cancel{id, Epoch{1}}));
  world.advance(1min);
  CHECK(world.device.take<wire::Offer>().empty());
  std::string why;
  world.cloud.node().dispatch()->find(id, [&](const auto& found) { why = found->waits_because; });
  world.settle();
  STRCMP_CONTAINS("quarantined or revoked", why.c_str());
  mark(false);
  world.say(wire::Credits{4, {}, 1, 1 << 30});
  world.advance(1min);
  const auto offers = world.device.take<wire::Offer>();
  CHECK(!offers.empty() && offers.front().epoch == Epoch{2});
}

TEST(BarredDevice, that_was_born_while_barred_is_given_work_once_it_is_released) {
  mark(true);
  be_born(3);
  // The device says how much room it has at its birth, and not again as long as that is so.
  world.say(wire::Credits{4, {}, 1, 1 << 30});
  submit();
  CHECK(world.device.take<wire::Offer>().empty());
  mark(false);
  world.settle();
  CHECK_EQUAL(1, world.device.take<wire::Offer>().size());
}

TEST(BarredDevice, is_refused_also_after_a_restart_and_what_it_had_queued_is_not_begun) {
  world.say_offer(CloudWorld::offer(1));
  world.say_offer(CloudWorld::offer(2));
  CHECK(world.state(2) == LeaseState::accepted);
  world.cloud.crash();
  mark(true);
  world.boot();
  CHECK(world.state(2) == LeaseState::answered);
  CHECK_FALSE(world.runs(2));
  world.say_offer(CloudWorld::offer(3));
  CHECK(world.cloud.disk.rows.count(CloudWorld::id(3)) == 0);
}

TEST(BarredDevice, is_not_listened_to_and_what_it_says_is_counted) {
  mark(true);
  wire::Telemetry frame;
  frame.session = 1;
  frame.seq = 1;
  frame.metrics.set(wire::Metric::cpu_permille, 420);
  world.device.publish(CloudWorld::up("pump-7", wire::Channel::tel), wire::encode(frame));
  world.say(wire::UpdateReport{UpdatePhase::downloading, "B", "https://host/next", "", 10});
  CHECK_FALSE(fleet.device("pump-7")->row.metrics.has(wire::Metric::cpu_permille));
  CHECK_FALSE(fleet.device("pump-7")->update.has_value());
  UNSIGNED_LONGS_EQUAL(2, world.cloud.node().counters().barred);
  Code code = Code::internal;
  world.cloud.node().command("pump-7", {}, [&](const Result<std::string>& said) {
    if (!said) code = said.error().code;
  });
  CHECK(code == Code::conflict);
}

TEST(BarredDevice, is_told_so_and_told_again_at_each_birth_and_that_it_was_released) {
  const auto told = [this] {
    std::string text;
    for (const auto& notice : world.device.take<wire::StandingNotice>()) {
      text += std::to_string(int(notice.standing));
    }
    return text;
  };
  world.birth(2);
  STRCMP_EQUAL("", told().c_str());
  mark(true);
  STRCMP_EQUAL("1", told().c_str());
  mark(true);
  STRCMP_EQUAL("", told().c_str());
  world.birth(3);
  STRCMP_EQUAL("1", told().c_str());
  cloud::DeviceChange change;
  change.revoked = true;
  make(change);
  STRCMP_EQUAL("2", told().c_str());
  change.revoked = false;
  change.quarantined = false;
  make(change);
  STRCMP_EQUAL("0", told().c_str());
  world.birth(4);
  STRCMP_EQUAL("", told().c_str());
}
