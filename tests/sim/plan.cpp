#include "tests/sim/plan.h"

#include <algorithm>

#include "common/wire/codec.h"

namespace spillway::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

milliseconds draw_ms(Random& random, unsigned low, unsigned high) {
  return milliseconds(low + random.below(high - low + 1));
}

TaskSpec draw_spec(Random& random) {
  TaskSpec spec;
  spec.kind.name = kKind;
  spec.effects = static_cast<Effects>(random.below(3));
  spec.retry.max_attempts = 1 + random.below(3);
  spec.retry.base = milliseconds(500);
  spec.retry.cap = seconds(10);
  if (random.per_mille(400)) spec.run_timeout = draw_ms(random, 3000, 15'000);
  if (random.per_mille(250)) spec.deadline = draw_ms(random, 5000, 150'000);
  if (random.per_mille(80)) spec.queue_timeout = draw_ms(random, 1, 60'000);
  if (random.per_mille(350)) spec.not_before = draw_ms(random, 1, 50'000);
  if (random.per_mille(250)) spec.on_disconnect = OnDisconnect::wait;
  if (random.per_mille(60)) spec.on_disconnect = OnDisconnect::fail;
  return spec;
}

void draw_behaviour(TaskPlan& task, Random& random) {
  task.shortest = Duration(milliseconds(1));
  task.longest = random.per_mille(400) ? seconds(60) : seconds(4);
  task.stubborn = random.per_mille(250);
  if (random.per_mille(300)) task.errors = random.per_mille(300) ? 1000 : 400;
  if (random.per_mille(120)) task.crashes = random.per_mille(500) ? 1000 : 250;
  const bool can_hang = task.policy.run_timeout > Duration::zero();
  if (can_hang && random.per_mille(300)) task.hangs = random.per_mille(300) ? 1000 : 300;
}

TaskPlan draw_task(Random& random, int index) {
  TaskPlan task;
  TaskSpec spec = draw_spec(random);
  if (index > 0 && random.per_mille(200)) task.after = index - 1;
  task.policy = lifecycle::policy_of(spec, kLease);
  task.first = lifecycle::first_state(spec, task.after >= 0 ? 1 : 0, NodeTime{});
  task.on_disconnect = spec.on_disconnect;
  task.spec_bytes = std::make_shared<const Bytes>(wire::encode(spec));
  task.spec = std::move(spec);
  const unsigned where = random.below(10);
  task.local = where != 0;
  task.remote = where != 1;
  draw_behaviour(task, random);
  return task;
}

unsigned some(Random& random, unsigned most) {
  return random.per_mille(350) ? 0 : 1 + random.below(most);
}

}  // namespace

Plan make_plan(Random& random, std::size_t max_tasks) {
  Plan plan;
  plan.tasks = std::min<std::size_t>(max_tasks, 1 + random.below(2) + random.below(3));
  for (std::size_t i = 0; i < plan.tasks; ++i) {
    plan.task[i] = draw_task(random, static_cast<int>(i));
  }
  plan.slow_restart = random.per_mille(100);
  FaultPlan& faults = plan.faults;
  faults.chaos = random.between(seconds(10), seconds(200));
  faults.pause = random.between(milliseconds(500), seconds(8));
  faults.fail_point = some(random, 40);
  faults.loss = some(random, 300);
  faults.copies = some(random, 300);
  faults.slow = some(random, 300);
  faults.crash_owner = some(random, 10);
  faults.crash_lessee = some(random, 10);
  faults.cut = some(random, 15);
  faults.people = some(random, 10);
  faults.drain = some(random, 4);
  faults.forget = some(random, 6);
  faults.withdraw = some(random, 6);
  faults.step_clock = some(random, 6);
  faults.failing_commit = random.per_mille(300) ? 2 + random.below(12) : 0;
  faults.wrong_clock = some(random, 500);
  faults.traced = random.per_mille(200);
  return plan;
}

Ending draw_ending(const TaskPlan& task, Random& random) {
  Ending ending{random.between(task.shortest, task.longest), FailureClass::none};
  if (random.per_mille(task.hangs)) return {kForEver, FailureClass::none};
  if (random.per_mille(task.errors)) ending.failure = FailureClass::error;
  if (random.per_mille(task.crashes)) ending.failure = FailureClass::crash;
  return ending;
}

}  // namespace spillway::sim
