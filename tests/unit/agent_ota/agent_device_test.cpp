#include "agent/ota/agent_device.h"

// last
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::ota;
using namespace std::chrono_literals;

TEST_GROUP(AgentDevice) {
  NodeView node;
  void setup() override {
    PlaceView local;
    local.place = kHereName;
    local.workers = 2;
    local.running = 2;
    node.places = {PlaceView(), local};
  }
  PlaceView& local() { return node.places.back(); }
};

TEST(AgentDevice, keeps_a_task_waiting_when_others_compute_on_all_cores) {
  CHECK(is_kept_waiting(node, TaskState::ready, 10s, 20s));
  CHECK(is_kept_waiting(node, TaskState::waiting, 10s, 9s));
}

TEST(AgentDevice, does_not_when_a_core_is_free_or_the_task_was_begun) {
  CHECK_FALSE(is_kept_waiting(node, TaskState::running, 10s, 20s));
  local().credits = 1;
  CHECK_FALSE(is_kept_waiting(node, TaskState::ready, 10s, 20s));
  local().credits = 0;
  local().running = 0;
  CHECK_FALSE(is_kept_waiting(node, TaskState::ready, 10s, 20s));
}

TEST(AgentDevice, does_not_when_its_pool_is_stuck) {
  CHECK_FALSE(is_kept_waiting(node, TaskState::ready, 10s, 200ms));
  CHECK_FALSE(is_kept_waiting(node, TaskState::ready, 0s, 0s));
}
