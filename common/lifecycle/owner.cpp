#include "common/lifecycle/owner.h"

#include <algorithm>

#include "common/lifecycle/instant.h"
#include "common/lifecycle/owner_attempt.h"

namespace spillway::lifecycle {
namespace {

NodeTime after(NodeTime now, const std::optional<std::chrono::milliseconds>& span) {
  return span ? lifecycle::after(now, *span) : kNever;
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
  } else if (task.place != kNowhere && now.time >= task.run_until) {
    fail_attempt(step, policy, FailureClass::timeout, Stop::yes, now);
  } else if (task.place != kNowhere && now.time >= task.lease_until) {
    grant_again_later(step, policy, FailureClass::lost, {}, now);
  } else if (sleeps(task) && now.time >= task.wake) {
    enter(step, TaskState::ready, WaitReason::none, now.time);
  }
  return step;
}

NodeTime next_time(const OwnerTask& task) {
  if (is_terminal(task.state)) return kNever;
  NodeTime next = std::min(task.deadline, task.start_by);
  if (task.place != kNowhere) next = std::min({next, task.lease_until, task.run_until});
  if (sleeps(task)) next = std::min(next, task.wake);
  return next;
}

OwnerStep recover(const OwnerTask& task, const OwnerPolicy& policy, BootId boot,
                  bool may_have_begun, Now now) {
  OwnerStep step = unchanged(task);
  if (is_terminal(task.state) || task.place == kNowhere) return step;
  if (task.place != kHere) {
    step.verdict = Verdict::applied;
    step.renewal = true;
    step.next.lease_until = lifecycle::after(now.time, policy.lease);
  } else if (task.boot != boot) {
    fail_attempt(step, policy, may_have_begun ? FailureClass::crash : FailureClass::interrupted,
                 Stop::no, now);
  }
  return step;
}

}  // namespace spillway::lifecycle
