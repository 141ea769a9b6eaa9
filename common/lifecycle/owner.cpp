#include "common/lifecycle/owner.h"

#include <algorithm>

#include "common/lifecycle/instant.h"
#include "common/lifecycle/owner_attempt.h"

namespace spillway::lifecycle {
namespace {

NodeTime after(NodeTime now, const std::optional<std::chrono::milliseconds>& span) {
  return span ? lifecycle::after(now, *span) : kNever;
}

// The first live attempt whose time `until` is up; null: there is none.
LiveAttempt* overdue(OwnerTask& task, NodeTime LiveAttempt::*until, NodeTime now) {
  const auto found = std::find_if(task.live.begin(), task.live.end(),
                                  [&](LiveAttempt& one) { return now >= one.*until; });
  return found == task.live.end() ? nullptr : found;
}

bool sleeps(const OwnerTask& task) {
  return task.state == TaskState::waiting &&
         (task.reason == WaitReason::backoff || task.reason == WaitReason::not_before);
}

}  // namespace

OwnerPolicy policy_of(const TaskSpec& spec, Duration lease) {
  return {spec.effects, spec.retry, spec.run_timeout.value_or(std::chrono::milliseconds::zero()),
          lease};
}

OwnerTask first_state(const TaskSpec& spec, std::uint32_t deps, NodeTime now) {
  OwnerTask task;
  task.deps = deps;
  task.since = now;
  task.deadline = after(now, spec.deadline);
  task.start_by = after(now, spec.queue_timeout);
  task.wake = after(now, spec.not_before);
  if (deps > 0) task.reason = WaitReason::deps;
  if (deps == 0 && spec.not_before) task.reason = WaitReason::not_before;
  if (task.reason != WaitReason::none) task.state = TaskState::waiting;
  return task;
}

OwnerStep on_time(const OwnerTask& task, const OwnerPolicy& policy, Now now) {
  OwnerStep step = unchanged(task);
  if (is_terminal(task.state)) return step;
  if (now.time >= task.deadline) {
    finish(step, TaskState::expired, FailureClass::none, now.time);
  } else if (now.time >= task.start_by) {
    finish(step, TaskState::failed, FailureClass::timeout, now.time);
  } else if (LiveAttempt* slow = overdue(step.next, &LiveAttempt::run_until, now.time)) {
    step.verdict = Verdict::applied;
    fail_attempt(step, *slow, policy, FailureClass::timeout, Stop::yes, now);
  } else if (LiveAttempt* silent = overdue(step.next, &LiveAttempt::lease_until, now.time)) {
    step.verdict = Verdict::applied;
    grant_again_later(step, *silent, policy, FailureClass::lost, {}, now);
  } else if (sleeps(task) && now.time >= task.wake) {
    enter(step, TaskState::ready, WaitReason::none, now.time);
  }
  return step;
}

NodeTime next_time(const OwnerTask& task) {
  if (is_terminal(task.state)) return kNever;
  NodeTime next = std::min(task.deadline, task.start_by);
  for (const LiveAttempt& one : task.live) next = std::min({next, one.lease_until, one.run_until});
  if (sleeps(task)) next = std::min(next, task.wake);
  return next;
}

OwnerStep recover(const OwnerTask& task, const OwnerPolicy& policy, BootId boot,
                  bool may_have_begun, Now now) {
  OwnerStep step = unchanged(task);
  if (is_terminal(task.state)) return step;
  LiveAttempt* before = nullptr;  // of an older boot; one at most is here
  for (LiveAttempt& one : step.next.live) {
    if (one.place == kHere) {
      if (one.boot != boot) before = &one;
      continue;
    }
    step.verdict = Verdict::applied;
    step.renewal = true;
    one.lease_until = lifecycle::after(now.time, policy.lease);
  }
  if (!before) return step;
  step.verdict = Verdict::applied;
  step.renewal = false;
  fail_attempt(step, *before, policy,
               may_have_begun ? FailureClass::crash : FailureClass::interrupted, Stop::no, now);
  return step;
}

}  // namespace spillway::lifecycle
