#include "tests/unit/agent_node/agent_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

TEST_GROUP(AgentBudget) {
  AgentWorld world;
  agent::Machine machine;
  BudgetLimits& budget = world.agent.options.budget;
  store::StoreUse& use = world.agent.disk.use;

  void setup() override {
    world.agent.machine = [this] { return machine; };
    world.boot();
  }
  void reboot() {
    world.agent.crash();
    world.boot();
  }
  std::uint64_t lost(LossCause cause) { return world.agent.disk.lost(DataClass::tasks, cause); }
  static std::optional<Error> error_of(const Asked& asked) {
    return AgentWorld::first(asked).error;
  }
};

TEST(AgentBudget, P20_a_full_disk_budget_answers_busy_with_a_time_to_come_back) {
  use.in_use = sqlite::plan_disk(budget.disk).tasks();
  auto asked = world.submit(echo());
  world.settle();
  auto error = error_of(*asked);
  CHECK(error && error->code == Code::busy && error->retry_after == 5000ms);
  STRCMP_CONTAINS("disk budget: ", error->message.c_str());
  UNSIGNED_LONGS_EQUAL(1, lost(LossCause::disk_budget));
  use.in_use = 0;
  CHECK(world.add(echo()) != 0);
}

TEST(AgentBudget, P23_a_refusal_is_on_disk_before_it_is_answered) {
  use.in_use = sqlite::plan_disk(budget.disk).tasks();
  auto asked = world.submit(echo());
  world.agent.turn();
  CHECK(asked->answers.empty());
  // The power goes: neither was it answered, nor is it counted.
  world.agent.crash();
  UNSIGNED_LONGS_EQUAL(0, lost(LossCause::disk_budget));
  world.boot();
  auto again = world.submit(echo());
  world.settle();
  CHECK(error_of(*again).has_value());
  world.agent.crash();
  UNSIGNED_LONGS_EQUAL(1, lost(LossCause::disk_budget));
}

TEST(AgentBudget, P23_refusals_for_a_store_that_cannot_write_are_counted_once_it_can) {
  world.agent.store().fail_commits(fail(Code::busy, "no space left"));
  auto pending = world.submit(echo());
  world.settle();
  for (int i = 0; i < 3; ++i) CHECK(world.refusal(echo()) == Code::busy);
  UNSIGNED_LONGS_EQUAL(0, lost(LossCause::store));
  LONGS_EQUAL(1, world.agent.alarms.size());
  STRCMP_CONTAINS("cannot write", world.agent.alarms.front().c_str());
  world.agent.store().fail_commits(std::nullopt);
  world.advance(2min);
  CHECK(!error_of(*pending).has_value());
  UNSIGNED_LONGS_EQUAL(3, lost(LossCause::store));
}

TEST(AgentBudget, what_can_never_fit_is_rejected_for_good) {
  budget.memory = 1 << 20;
  budget.disk = 16 << 20;
  reboot();
  TaskSpec large = echo(std::string(60'000, 'x'));
  CHECK(world.add(large) != 0);
  budget.memory = 32 << 10;
  reboot();
  CHECK(world.refusal(large) == Code::invalid_argument);
  UNSIGNED_LONGS_EQUAL(1, lost(LossCause::disk_budget));
}

TEST(AgentBudget, a_key_that_is_known_is_answered_even_when_nothing_new_is_accepted) {
  TaskSpec keyed = echo();
  keyed.idempotency_key = "order-7";
  const std::uint64_t seq = world.add(keyed);
  use.in_use = sqlite::plan_disk(budget.disk).tasks();
  UNSIGNED_LONGS_EQUAL(seq, world.add(keyed));
  keyed.idempotency_key = "order-8";
  CHECK(world.refusal(keyed) == Code::busy);
  use.in_use = 0;
  CHECK(world.add(keyed) != 0);
}

TEST(AgentBudget, a_task_that_is_to_run_anew_asks_for_room_as_a_new_one_does) {
  budget.of(DataClass::tasks).items = 3;
  reboot();
  std::vector<std::uint64_t> ended;
  for (int i = 0; i < 3; ++i) {
    ended.push_back(world.add(echo()));
    world.op(wire::TaskOp::cancel, ended.back());
  }
  CHECK(world.add(echo()) != 0);
  std::vector<std::shared_ptr<Asked>> asked;
  asked.reserve(ended.size());
  for (const std::uint64_t seq : ended) {
    asked.push_back(world.ask(wire::TaskRequest{wire::TaskOp::retry, seq}));
  }
  world.settle();
  CHECK(asked[0]->got<wire::Done>() != nullptr);
  CHECK(asked[1]->got<wire::Done>() != nullptr);
  CHECK(asked[2]->refused() == Code::busy);
  CHECK(world.op(wire::TaskOp::retry, 99)->refused() == Code::not_found);
}

TEST(AgentBudget, a_shortage_is_said_once_per_change_and_not_per_task) {
  machine.disk_free = 1000;
  world.advance(2s);
  for (int i = 0; i < 50; ++i) CHECK(world.refusal(echo()) == Code::busy);
  UNSIGNED_LONGS_EQUAL(1, world.agent.said("out of file system"));
  UNSIGNED_LONGS_EQUAL(1, world.agent.node().view().shortages.size());
  machine.disk_free = 1ULL << 40;
  // Nobody submits: relief is noticed all the same.
  world.advance(10s);
  UNSIGNED_LONGS_EQUAL(1, world.agent.said("no longer short of file system"));
  CHECK(world.agent.node().view().shortages.empty());
  CHECK(world.add(echo()) != 0);
  UNSIGNED_LONGS_EQUAL(50, lost(LossCause::disk_free));
}

TEST(AgentBudget, a_spent_flash_budget_refuses_without_writing_for_each_refusal) {
  budget.flash_per_day = 1 << 20;
  reboot();
  use.flash_spent = 1 << 20;
  const std::uint64_t commits = world.agent.disk.commits;
  for (int i = 0; i < 20; ++i) CHECK(world.refusal(echo()) == Code::busy);
  UNSIGNED_LONGS_EQUAL(commits, world.agent.disk.commits);
  world.advance(61s);
  UNSIGNED_LONGS_EQUAL(commits + 1, world.agent.disk.commits);
  UNSIGNED_LONGS_EQUAL(20, lost(LossCause::flash));
}

TEST(AgentBudget, tasks_in_memory_stay_within_their_budget_and_none_is_forgotten) {
  budget.memory = 1 << 20;
  reboot();
  std::uint64_t accepted = 0;
  for (int i = 0; i < 200; ++i) accepted += world.add(echo(std::string(10'000, 'x'))) != 0 ? 1 : 0;
  UNSIGNED_LONGS_EQUAL(200, accepted);
  for (std::uint64_t done = 0; done < accepted; ++done) {
    CHECK(!world.agent.runner().running().empty());
    world.succeed(world.agent.runner().running().begin()->first.first.seq);
  }
  UNSIGNED_LONGS_EQUAL(200, world.agent.node().view().by_state[std::size_t(TaskState::succeeded)]);
}

TEST(AgentBudget, a_submit_that_memory_has_no_room_for_is_refused) {
  budget.memory = 1 << 20;
  reboot();
  // None of these tasks is on disk yet, so none can leave memory.
  std::vector<std::shared_ptr<Asked>> asked;
  asked.reserve(20);
  for (int i = 0; i < 20; ++i) asked.push_back(world.submit(echo(std::string(60'000, 'x'))));
  world.settle();
  const auto refused = std::count_if(asked.begin(), asked.end(),
                                     [](const auto& one) { return error_of(*one).has_value(); });
  CHECK(refused > 8 && refused < 15);
  UNSIGNED_LONGS_EQUAL(refused, lost(LossCause::memory));
}

TEST(AgentBudget, what_is_refused_while_draining_is_counted) {
  world.ask(wire::DrainRequest{true});
  world.settle();
  CHECK(world.refusal(echo()) == Code::busy);
  UNSIGNED_LONGS_EQUAL(1, lost(LossCause::draining));
}

TEST(AgentBudget, a_task_expires_when_it_is_older_than_tasks_are_kept) {
  budget.of(DataClass::tasks).age = 1h;
  reboot();
  const std::uint64_t running = world.add(echo());
  const std::uint64_t waiting = world.add(echo());
  world.advance(61min);
  CHECK(world.state(waiting) == TaskState::expired);
  CHECK(world.state(running) == TaskState::expired);
}
