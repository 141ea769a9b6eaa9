#pragma once

#include "cloud/fleet/fleet.h"
#include "cloud/fleet/fleet_store.h"
#include "tests/unit/cloud_node/cloud_world.h"

#include <CppUTest/TestHarness.h>

namespace spillway::test {

// A cloud, and the fleet that watches it.
struct WatchedRig : Utest {
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

}  // namespace spillway::test
