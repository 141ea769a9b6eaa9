#include <string>

#include "tests/unit/agent_node/agent_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

TEST_GROUP(Run) {
  AgentWorld world;
  void setup() override { world.boot(); }
  void teardown() override { CHECK_EQUAL(0, world.agent.disk.broken.size()); }

  void fail_once(std::uint64_t seq, Code code) {
    world.agent.runner().fail(seq, fail(code, "it broke"));
    world.settle();
  }
};

TEST(Run, an_error_is_tried_again_after_a_pause_up_to_the_limit) {
  TaskSpec spec = echo();
  spec.retry.max_attempts = 3;
  const std::uint64_t seq = world.add(spec);
  for (std::uint32_t attempt = 1; attempt < 3; ++attempt) {
    fail_once(seq, Code::io);
    CHECK(world.state(seq) == TaskState::waiting || world.runs(seq));
    world.advance(1min);
    CHECK(world.runs(seq));
    CHECK_EQUAL(attempt + 1, world.row(seq).epoch.value);
  }
  fail_once(seq, Code::io);
  CHECK(world.state(seq) == TaskState::failed);
  const TaskResult result = world.result(seq);
  CHECK(result.error->failure == FailureClass::error);
  CHECK(result.error->code == Code::io);
  STRCMP_EQUAL("it broke", result.error->message.c_str());
  CHECK_EQUAL(3, result.attempts.size());
}

TEST(Run, what_cannot_succeed_is_not_tried_again) {
  const std::uint64_t seq = world.add(echo());
  fail_once(seq, Code::invalid_argument);
  CHECK(world.state(seq) == TaskState::failed);
  CHECK_EQUAL(1, world.result(seq).attempts.size());
}

TEST(Run, a_value_over_the_limit_is_an_error_that_says_so) {
  const std::uint64_t seq = world.add(echo());
  world.succeed(seq, std::string(kInlineLimit + 1, 'x'));
  CHECK(world.state(seq) == TaskState::failed);
  CHECK(world.result(seq).error->code == Code::unsupported);
}

TEST(Run, an_interrupted_attempt_is_free) {
  TaskSpec spec = echo();
  spec.retry.max_attempts = 1;
  const std::uint64_t seq = world.add(spec);
  for (int i = 0; i < 5; ++i) {
    world.agent.runner().fail(world.agent.runner().running().begin()->first,
                              fail(Code::cancelled, "stopped"), FailureClass::interrupted);
    world.settle();
    CHECK(world.runs(seq));
  }
  CHECK_EQUAL(0, world.row(seq).attempts);
}

TEST(Run, cores_are_not_exceeded_and_blocking_kinds_take_none) {
  const std::uint64_t first = world.add(echo());
  const std::uint64_t second = world.add(echo());
  TaskSpec slow = echo();
  slow.kind.name = "slow";
  const std::uint64_t blocking = world.add(slow);
  CHECK(world.runs(first));
  CHECK_FALSE(world.runs(second));
  CHECK(world.runs(blocking));
  world.succeed(first);
  CHECK(world.runs(second));
}

TEST(Run, what_blocks_is_claimed_when_there_is_a_thread_for_it) {
  TaskSpec slow = echo();
  slow.kind.name = "slow";
  slow.prefer = Prefer::local;
  for (int i = 0; i < 20; ++i) world.add(slow);
  CHECK_EQUAL(16, world.agent.runner().running().size());
}

TEST(Run, P6_a_task_that_ran_when_the_agent_was_killed_runs_again) {
  const std::uint64_t seq = world.add(echo());
  world.agent.crash();
  world.boot();
  world.advance(1min);
  CHECK(world.runs(seq));
  CHECK_EQUAL(1, world.row(seq).crashes);
  CHECK_EQUAL(2, world.row(seq).epoch.value);
  world.succeed(seq);
  CHECK(world.state(seq) == TaskState::succeeded);
}

TEST(Run, P8_three_crashes_are_poison) {
  const std::uint64_t seq = world.add(echo());
  for (int crash = 0; crash < 3; ++crash) {
    CHECK(world.runs(seq));
    world.agent.crash();
    world.boot();
    world.advance(2min);
  }
  CHECK(world.state(seq) == TaskState::failed);
  CHECK(world.result(seq).error->failure == FailureClass::poison);
  CHECK_EQUAL(3, world.row(seq).epoch.value);
}

TEST(Run, a_task_granted_but_not_committed_as_running_is_no_crash) {
  const std::uint64_t first = world.add(echo());
  const std::uint64_t next = world.add(echo());
  world.agent.runner().succeed(first, to_bytes("v"));
  world.agent.turn();
  world.agent.crash();
  world.boot();
  world.advance(1min);
  CHECK_EQUAL(0, world.row(next).crashes);
}

TEST(Run, a_timeout_stops_the_attempt_and_burns_it) {
  TaskSpec spec = echo();
  spec.run_timeout = 2s;
  spec.retry.max_attempts = 2;
  const std::uint64_t seq = world.add(spec);
  const auto first = world.agent.runner().running().begin()->first;
  world.advance(2s);
  CHECK(world.agent.runner().running().at(first).told_to_stop);
  CHECK_EQUAL(1, world.row(seq).attempts);
  // The core is free only once the body has ended.
  world.agent.runner().fail(first, fail(Code::cancelled, "stopped"), FailureClass::interrupted);
  world.advance(1min);
  CHECK(world.state(seq) == TaskState::failed);
  CHECK(world.result(seq).error->failure == FailureClass::timeout);
}

TEST(Run, a_success_that_comes_after_its_timeout_counts) {
  TaskSpec spec = echo();
  spec.run_timeout = 2s;
  const std::uint64_t seq = world.add(spec);
  const auto first = world.agent.runner().running().begin()->first;
  world.advance(2s);
  world.agent.runner().succeed(first, to_bytes("late"));
  world.settle();
  CHECK(world.state(seq) == TaskState::succeeded);
}

TEST(Run, a_deadline_expires_a_task_wherever_it_is) {
  TaskSpec spec = echo();
  spec.deadline = 5s;
  const std::uint64_t running = world.add(spec);
  const std::uint64_t ready = world.add(spec);
  spec.not_before = 1h;
  const std::uint64_t waiting = world.add(spec);
  world.advance(5s);
  for (const std::uint64_t seq : {running, ready, waiting}) {
    CHECK(world.state(seq) == TaskState::expired);
    CHECK(world.result(seq).outcome == TaskState::expired);
  }
}

TEST(Run, a_deadline_counts_over_a_restart) {
  TaskSpec spec = echo();
  spec.deadline = 5s;
  world.add(echo());
  const std::uint64_t seq = world.add(spec);
  world.agent.crash();
  world.boot();
  world.advance(5s);
  CHECK(world.state(seq) == TaskState::expired);
}

TEST(Run, a_result_tells_of_every_attempt_also_of_those_before_a_restart) {
  const std::uint64_t seq = world.add(echo());
  world.advance(1s);
  world.agent.runner().fail(seq, fail(Code::io, "the sensor is busy"));
  world.advance(1min);
  CHECK(world.runs(seq));
  world.agent.crash();
  world.boot();
  world.advance(1min);
  world.succeed(seq);
  const TaskResult result = world.result(seq);
  CHECK_EQUAL(3, result.attempts.size());
  CHECK(result.attempts[0].failure == FailureClass::error);
  CHECK(result.attempts[1].failure == FailureClass::crash);
  CHECK(result.attempts[2].failure == FailureClass::none);
  CHECK(result.attempts[0].times.accepted > NodeTime{});
}

TEST(Run, what_was_cancelled_or_expired_while_it_ran_has_run_until_then_and_did_not_succeed) {
  TaskSpec spec = echo();
  spec.deadline = 5s;
  world.advance(1s);
  const std::uint64_t expired = world.add(spec);
  world.advance(5s);
  world.agent.runner().fail(expired, fail(Code::cancelled, "stopped"));
  const std::uint64_t cancelled = world.add(echo());
  world.advance(5s);
  world.op(wire::TaskOp::cancel, cancelled);
  world.agent.runner().fail(cancelled, fail(Code::cancelled, "stopped"));
  world.settle();
  for (const std::uint64_t seq : {expired, cancelled}) {
    const TaskResult result = world.result(seq);
    CHECK_EQUAL(1, result.attempts.size());
    CHECK(result.attempts[0].failure == FailureClass::interrupted);
    const AttemptTimes& times = result.attempts[0].times;
    CHECK(times.run_ended - times.run_started > 4900ms);
    CHECK(times.run_ended - times.run_started < 5100ms);
    CHECK(times.accepted == times.run_ended);
  }
  CHECK(world.result(cancelled).outcome == TaskState::cancelled);
}

TEST(Run, a_run_that_timed_out_has_run_until_then) {
  TaskSpec spec = echo();
  spec.run_timeout = 3s;
  spec.retry.max_attempts = 1;
  world.advance(1s);
  const std::uint64_t seq = world.add(spec);
  world.advance(3s);
  const TaskResult result = world.result(seq);
  CHECK(result.attempts[0].failure == FailureClass::timeout);
  CHECK(result.attempts[0].times.run_ended - result.attempts[0].times.run_started > 2900ms);
}

TEST(Run, a_queue_timeout_fails_what_has_not_started_and_spares_what_has) {
  TaskSpec spec = echo();
  spec.queue_timeout = 5s;
  const std::uint64_t running = world.add(spec);
  const std::uint64_t ready = world.add(spec);
  world.advance(6s);
  CHECK(world.runs(running));
  CHECK(world.state(ready) == TaskState::failed);
  CHECK(world.result(ready).error->failure == FailureClass::timeout);
}

TEST(Run, not_before_is_kept_and_wakes_a_task_on_disk) {
  TaskSpec spec = echo();
  spec.not_before = 10s;
  const std::uint64_t seq = world.add(spec);
  world.advance(9s);
  CHECK_FALSE(world.runs(seq));
  world.advance(1s);
  CHECK(world.runs(seq));
}

TEST(Run, held_tasks_past_their_time_cost_nothing_and_hide_nobody) {
  TaskSpec spec = echo();
  spec.not_before = 10s;
  for (int i = 0; i < 400; ++i) world.op(wire::TaskOp::hold, world.add(spec));
  spec.not_before = 20s;
  const std::uint64_t seq = world.add(spec);
  world.advance(30s);
  CHECK(world.runs(seq));
  const std::uint64_t commits = world.agent.disk.commits;
  world.advance(1h);
  CHECK_EQUAL(commits, world.agent.disk.commits);
}

TEST(Run, a_task_that_no_place_can_run_waits_and_is_looked_at_again) {
  TaskSpec spec = echo();
  spec.needs.tags = {"gpu"};
  const std::uint64_t seq = world.add(spec);
  CHECK(world.row(seq).reason == WaitReason::no_place);
  world.advance(5min);
  CHECK(world.row(seq).reason == WaitReason::no_place);
  world.agent.crash();
  world.agent.options.tags = {"gpu"};
  world.boot();
  world.advance(1min);
  CHECK(world.runs(seq));
}

TEST(Run, finished_tasks_are_kept_for_their_retention_only) {
  TaskSpec spec = echo();
  spec.retention = 1min;
  const std::uint64_t seq = world.add(spec);
  world.succeed(seq);
  world.advance(50s);
  CHECK(world.agent.disk.tasks.contains(seq));
  world.advance(30s);
  CHECK_FALSE(world.agent.disk.tasks.contains(seq));
}
