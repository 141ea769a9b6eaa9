#include "tests/unit/agent_node/agent_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

namespace {

constexpr Duration kToday = std::chrono::hours(24 * 20'777);

}  // namespace

TEST_GROUP(AgentClock) {
  AgentWorld world{1, true};

  void boot_at(Duration wall) {
    world.clock.step_wall(wall);
    world.boot();
  }
};

TEST(AgentClock, boots_in_1970_runs_tasks_and_says_once_that_the_clock_is_not_set) {
  boot_at(10s);
  const std::uint64_t seq = world.add(echo());
  world.succeed(seq);
  CHECK(world.state(seq) == TaskState::succeeded);
  world.advance(1h);
  LONGS_EQUAL(1, world.agent.said("the wall clock is not set: it says 1970-01-01 00:00 UTC"));
  STRCMP_CONTAINS("not set", world.agent.node().view().clock_problem.c_str());
  // What was known of the time of day before is not overwritten with nonsense.
  CHECK(world.agent.disk.wall == Duration::zero());
}

TEST(AgentClock, times_are_filled_in_once_the_clock_is_set) {
  boot_at(10s);
  const std::uint64_t seq = world.add(echo());
  world.advance(10min);
  world.clock.step_wall(kToday);
  world.agent.node().clock_stepped();
  world.settle();
  LONGS_EQUAL(1, world.agent.said("the wall clock is set"));
  CHECK(world.agent.node().view().clock_problem.empty());
  auto asked = world.ask(wire::ShowRequest{seq});
  world.settle();
  CHECK(asked->got<TaskView>()->wall_created == kToday - 10min);
}

TEST(AgentClock, P13_steps_both_ways_move_no_deadline_and_no_lease) {
  boot_at(kToday);
  TaskSpec urgent = echo();
  urgent.deadline = 60s;
  const std::uint64_t blocker = world.add(echo());
  const std::uint64_t waiting = world.add(urgent);
  CHECK(world.runs(blocker));
  for (Duration to : {kToday + 24h * 365, Duration(10s), kToday, kToday - 24h}) {
    world.advance(10s);
    world.clock.step_wall(to);
    world.agent.node().clock_stepped();
    world.settle();
    CHECK(world.state(waiting) == TaskState::ready);
    CHECK(world.runs(blocker));
  }
  world.advance(19s);
  CHECK(world.state(waiting) == TaskState::ready);
  world.advance(2s);
  CHECK(world.state(waiting) == TaskState::expired);
  LONGS_EQUAL(4, world.agent.said("the wall clock was set by"));
}

TEST(AgentClock, drift_and_slewing_are_not_steps) {
  boot_at(kToday);
  for (int i = 0; i < 100; ++i) {
    world.clock.step_wall(world.clock.wall_time() + 500ms);
    world.agent.node().clock_stepped();
    world.advance(1s);
  }
  LONGS_EQUAL(0, world.agent.said("the wall clock was set"));
}

TEST(AgentClock, a_link_that_waits_is_tried_again_as_soon_as_the_clock_is_set) {
  world.agent.options.device = "pump-7";
  boot_at(10s);
  world.broker.refuse("pump-7");
  world.broker.cut("pump-7");
  world.advance(5min);
  world.broker.allow("pump-7");
  // Far into its longest pause.
  const NodeTime before = world.agent.node().now();
  world.clock.step_wall(kToday);
  world.agent.node().clock_stepped();
  world.advance(260ms);
  CHECK(world.agent.node().now() - before < 1s);
  CHECK(world.agent.node().view().places.at(1).state.find("broker connected") == 0);
}
