#include "tests/unit/agent_node/agent_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

TEST_GROUP(Company) {
  AgentWorld world{1};
  void setup() override { world.boot(); }
  void teardown() override { CHECK_EQUAL(0, world.agent.disk.broken.size()); }

  std::uint64_t commits() const { return world.agent.disk.commits; }
  // No time passes.
  void succeed(std::uint64_t seq) {
    world.agent.runner().succeed(seq, to_bytes("done"));
    world.turn();
  }
};

TEST(Company, an_end_that_nobody_waits_for_is_committed_with_what_comes_next) {
  const std::uint64_t first = world.add(echo());
  const std::uint64_t before = commits();
  succeed(first);
  CHECK_EQUAL(before, commits());
  world.add(echo());
  CHECK(world.state(first) == TaskState::succeeded);
  CHECK_EQUAL(before + 1, commits());
}

TEST(Company, an_end_that_nothing_follows_is_committed_soon) {
  const std::uint64_t alone = world.add(echo());
  succeed(alone);
  CHECK(world.state(alone) == TaskState::running);
  world.advance(owner::OwnerJournal::kMayWait);
  CHECK(world.state(alone) == TaskState::succeeded);
}

TEST(Company, an_end_that_somebody_waits_for_is_committed_at_once) {
  const std::uint64_t awaited = world.add(echo());
  auto asked = world.ask(wire::WaitRequest{awaited});
  succeed(awaited);
  CHECK(asked->got<TaskView>() != nullptr);
}

TEST(Company, who_asks_for_an_end_that_waits_for_company_ends_its_wait) {
  const std::uint64_t ended = world.add(echo());
  succeed(ended);
  auto asked = world.ask(wire::WaitRequest{ended});
  world.turn();
  CHECK(asked->got<TaskView>() != nullptr);
}

TEST(Company, a_core_with_nothing_to_do_waits_for_no_company) {
  const std::uint64_t first = world.add(echo()), second = world.add(echo());
  succeed(first);
  CHECK(world.state(first) == TaskState::succeeded);
  CHECK(world.runs(second));
}

TEST(Company, P1_a_kill_while_an_end_waits_for_company_runs_the_task_again) {
  const std::uint64_t killed = world.add(echo());
  succeed(killed);
  world.agent.crash();
  world.boot();
  world.advance(std::chrono::minutes(1));
  CHECK(world.runs(killed));
  succeed(killed);
  world.advance(owner::OwnerJournal::kMayWait);
  CHECK(world.state(killed) == TaskState::succeeded);
}
