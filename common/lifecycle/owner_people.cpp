#include "common/lifecycle/owner_attempt.h"

namespace spillway::lifecycle {
namespace {

bool waits_for(const OwnerTask& task, WaitReason reason) {
  return task.state == TaskState::waiting && task.reason == reason;
}

// To ready, or to what the task still has to wait for first.
void go_on(OwnerStep& step, NodeTime now) {
  const NodeTime wake = step.next.wake;
  const bool asleep = wake != kNever && wake > now;
  // Only what failed since it was last asked for has a pause to end; epochs tell nothing of that.
  const bool paused = step.next.last_failure != FailureClass::none;
  if (step.next.deps > 0) {
    enter(step, TaskState::waiting, WaitReason::deps, now);
  } else if (asleep) {
    enter(step, TaskState::waiting, paused ? WaitReason::backoff : WaitReason::not_before, now);
  } else {
    return enter(step, TaskState::ready, WaitReason::none, now);
  }
  step.next.wake = wake;
}

}  // namespace

OwnerStep on_dependency(const OwnerTask& task, bool succeeded, Now now) {
  if (is_terminal(task.state) || task.deps == 0) return stale(task);
  OwnerStep step = applied(task);
  if (!succeeded) {
    finish(step, TaskState::failed, FailureClass::dependency, now.time);
    return step;
  }
  --step.next.deps;
  if (waits_for(step.next, WaitReason::deps) && step.next.deps == 0) go_on(step, now.time);
  return step;
}

OwnerStep on_no_place(const OwnerTask& task, Now now) {
  if (waits_for(task, WaitReason::no_place)) return unchanged(task);
  if (task.state != TaskState::ready) return stale(task);
  OwnerStep step = applied(task);
  enter(step, TaskState::waiting, WaitReason::no_place, now.time);
  return step;
}

OwnerStep on_place_found(const OwnerTask& task, Now now) {
  if (!waits_for(task, WaitReason::no_place)) return unchanged(task);
  OwnerStep step = applied(task);
  enter(step, TaskState::ready, WaitReason::none, now.time);
  return step;
}

OwnerStep cancel(const OwnerTask& task, Now now) {
  if (task.state == TaskState::cancelled) return unchanged(task);
  if (is_terminal(task.state)) return stale(task);
  OwnerStep step = applied(task);
  finish(step, TaskState::cancelled, FailureClass::none, now.time);
  return step;
}

OwnerStep hold(const OwnerTask& task, Now now) {
  if (waits_for(task, WaitReason::held)) return unchanged(task);
  if (task.state != TaskState::waiting && task.state != TaskState::ready) return stale(task);
  OwnerStep step = applied(task);
  enter(step, TaskState::waiting, WaitReason::held, now.time);
  step.next.wake = task.wake;
  return step;
}

OwnerStep release(const OwnerTask& task, Now now) {
  if (is_terminal(task.state)) return stale(task);
  if (!waits_for(task, WaitReason::held)) return unchanged(task);
  OwnerStep step = applied(task);
  go_on(step, now.time);
  return step;
}

OwnerStep retry(const OwnerTask& task, const Anew& anew, Now now) {
  if (!is_terminal(task.state) || task.state == TaskState::succeeded) return stale(task);
  OwnerStep step = applied({});
  step.next.epoch = task.epoch;
  // Whatever failed before this was asked for again is not to be held against it.
  step.next.settled = task.epoch;
  step.next.deadline = anew.deadline;
  step.next.start_by = anew.start_by;
  step.next.deps = anew.deps;
  if (anew.not_before > now.time) step.next.wake = anew.not_before;
  go_on(step, now.time);
  return step;
}

}  // namespace spillway::lifecycle
