#include "tests/unit/agent_node/agent_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

TEST_GROUP(Claims) {
  AgentWorld world{1};
  void setup() override { world.boot(); }
  void teardown() override { CHECK_EQUAL(0, world.agent.disk.broken.size()); }

  // The kind is known to run for so long.
  void teach(Duration span) {
    for (int i = 0; i < 30; ++i) {
      const std::uint64_t seq = world.add(echo());
      world.clock.advance(span);
      world.succeed(seq);
    }
  }
  std::uint64_t add_several(std::size_t tasks, const TaskSpec& spec = echo()) {
    const std::uint64_t first = world.add(spec);
    for (std::size_t i = 1; i < tasks; ++i) world.add(spec);
    return first;
  }
  std::size_t running() {
    std::size_t count = 0;
    for (const auto& [seq, task] : world.agent.disk.tasks) {
      count += task.row.task.state == TaskState::running ? 1U : 0U;
    }
    return count;
  }
};

TEST(Claims, a_kind_that_never_ran_is_claimed_by_the_core) {
  add_several(4);
  CHECK_EQUAL(1, running());
}

TEST(Claims, short_runs_are_claimed_ahead_for_as_long_as_they_take) {
  teach(500us);
  add_several(40);
  CHECK(running() > 3);
  CHECK(running() <= 10);
}

// One batch runs while the next is committed.
TEST(Claims, of_the_shortest_runs_two_batches_are_claimed) {
  teach(1us);
  const wire::SubmitRequest batch{std::vector<Bytes>(64, wire::encode(echo()))};
  for (int i = 0; i < 3; ++i) world.ask(batch);
  world.settle();
  CHECK_EQUAL(128, running());
}

TEST(Claims, long_runs_are_claimed_by_the_core) {
  teach(6ms);
  add_several(4);
  CHECK_EQUAL(1, running());
}

TEST(Claims, none_goes_past_one_that_waits_for_a_core) {
  teach(100us);
  const std::uint64_t busy = world.add(echo());
  TaskSpec once = echo(), blocking = echo();
  once.effects = Effects::once;
  blocking.kind.name = "slow";
  world.ask(
      wire::SubmitRequest{{wire::encode(once), wire::encode(blocking), wire::encode(echo())}});
  world.settle();
  CHECK(world.state(busy + 1) == TaskState::ready);
  CHECK(world.state(busy + 2) == TaskState::running);
  CHECK(world.state(busy + 3) == TaskState::ready);
  world.succeed(busy);
  CHECK(world.state(busy + 1) == TaskState::running);
  CHECK(world.state(busy + 3) == TaskState::running);
}

TEST(Claims, what_counts_its_run_or_must_not_run_twice_is_claimed_by_the_core) {
  teach(100us);
  world.add(echo());
  TaskSpec timed = echo();
  timed.run_timeout = 50ms;
  add_several(2, timed);
  CHECK_EQUAL(1, running());
}

TEST(Claims, P8_what_was_claimed_and_had_not_begun_at_a_kill_runs_again_uncounted) {
  teach(500us);
  const std::uint64_t begun = world.add(echo()), unbegun = world.add(echo());
  CHECK_EQUAL(2, running());
  world.agent.unbegun = {world.id(unbegun)};
  world.agent.crash();
  world.boot();
  world.advance(1s);
  CHECK_EQUAL(1, world.row(begun).crashes);
  CHECK_EQUAL(0, world.row(unbegun).crashes);
}

TEST(Claims, what_crashed_once_is_claimed_by_the_core) {
  teach(500us);
  add_several(2);
  world.agent.crash();
  world.boot();
  world.advance(1min);
  CHECK_EQUAL(1, running());
}
