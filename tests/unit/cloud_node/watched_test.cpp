#include "cloud/fleet/fleet.h"
#include "cloud/fleet/fleet_store.h"
#include "common/wire/telemetry.h"
#include "tests/unit/cloud_node/cloud_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using lifecycle::LeaseState;

// What a node tells of devices and tasks to those who watch.
TEST_GROUP(WatchedCloud) {
  CloudWorld world;
  cloud::Fleet fleet{{}, world.clock, nullptr};

  void setup() override {
    world.clock.step_wall(std::chrono::seconds(1'700'000'000));
    fleet.start({});
    world.cloud.fleet = &fleet;
    world.boot();
    world.advance(1s);
  }
  void teardown() override { world.cloud.crash(); }
};

TEST(WatchedCloud, devices_appear_and_go_with_what_they_say) {
  CHECK(fleet.device("pump-7")->row.health == cloud::Health::operational);
  world.birth(1, false);
  CHECK(fleet.device("pump-7")->row.health == cloud::Health::disconnected);
  world.birth(2);
  world.birth(1, false);
  CHECK(fleet.device("pump-7")->row.health == cloud::Health::operational);
}

TEST(WatchedCloud, measurements_arrive_and_hostile_ones_do_not) {
  wire::Telemetry frame;
  frame.session = 1;
  frame.seq = 1;
  frame.metrics.set(wire::Metric::cpu_permille, 420);
  world.device.publish(CloudWorld::up("pump-7", wire::Channel::tel), wire::encode(frame));
  world.device.publish(CloudWorld::up("pump-7", wire::Channel::tel), to_bytes("STnonsense"));
  world.settle();
  CHECK_EQUAL(420, fleet.device("pump-7")->row.metrics.get(wire::Metric::cpu_permille));
}

TEST(WatchedCloud, an_update_is_shown_with_its_phase_and_noted_once_a_phase) {
  CHECK_FALSE(fleet.device("pump-7")->update.has_value());
  world.say(wire::UpdateReport{wire::UpdatePhase::downloading, "B", "https://host/next", "", 10});
  world.say(wire::UpdateReport{wire::UpdatePhase::downloading, "B", "https://host/next", "", 20});
  auto update = fleet.device("pump-7")->update;
  CHECK(update && update->phase == wire::UpdatePhase::downloading);
  UNSIGNED_LONGS_EQUAL(20, update->received);
  world.say(wire::UpdateReport{wire::UpdatePhase::failed, "B", "https://host/next", "no room"});
  std::vector<std::string> notes;
  fleet.events({.device = "pump-7"}, [&](Result<std::vector<cloud::FleetEvent>> events) {
    for (const cloud::FleetEvent& event : *events) {
      if (event.kind == cloud::FleetEventKind::update) notes.push_back(event.detail);
    }
  });
  CHECK_EQUAL(2U, notes.size());
  STRCMP_EQUAL("update: failed, no room", notes[0].c_str());
}

TEST(WatchedCloud, a_task_is_shown_through_its_life) {
  world.say_offer(CloudWorld::offer(1));
  auto shown = fleet.task(CloudWorld::id(1));
  CHECK(shown.has_value());
  CHECK(shown->state == LeaseState::running);
  STRCMP_EQUAL("echo", shown->kind.c_str());
  STRCMP_EQUAL("pump-7", shown->device.c_str());
  CHECK(shown->started.has_value());
  world.succeed(1);
  shown = fleet.task(CloudWorld::id(1));
  CHECK(shown->state == LeaseState::done);
  CHECK(shown->ended.has_value());
  world.say(wire::ResultAck{CloudWorld::id(1), Epoch{1}, wire::ResultVerdict::accepted});
  shown = fleet.task(CloudWorld::id(1));
  CHECK(shown->state == LeaseState::answered);
  STRCMP_EQUAL("echo", shown->kind.c_str());
  CHECK_EQUAL(1U, fleet.kinds().at(0).done);
}
