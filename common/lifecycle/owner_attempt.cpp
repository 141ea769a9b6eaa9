#include "common/lifecycle/owner_attempt.h"

#include <algorithm>

#include "common/lifecycle/instant.h"

namespace spillway::lifecycle {
namespace {

constexpr std::uint32_t kManyCounts = 1'000'000;

void count_up(std::uint32_t& counter) { counter = std::min(counter + 1, kManyCounts); }

// Whether other attempts are out, with which the task goes on.
bool goes_on(OwnerStep& step, NodeTime now) {
  const auto& live = step.next.live;
  if (live.empty()) return false;
  const bool runs = std::any_of(live.begin(), live.end(), [](auto& one) { return one.started; });
  const TaskState state = runs ? TaskState::running : TaskState::leased;
  if (step.next.state != state) enter(step, state, WaitReason::none, now);
  return true;
}

void wait_backoff(OwnerStep& step, const OwnerPolicy& policy, std::uint32_t n, Duration at_least,
                  Now now) {
  const Duration cap = std::max(Duration(policy.retry.cap), Duration::zero());
  const Duration span = std::max(backoff(policy.retry, n, now.random), std::min(at_least, cap));
  enter(step, TaskState::waiting, WaitReason::backoff, now.time);
  step.next.wake = after(now.time, span);
}

void count_crash(OwnerStep& step, const OwnerPolicy& policy, PlaceId place, Now now) {
  OwnerTask& task = step.next;
  count_up(task.crashes);
  const bool at_another = task.crashed_at != kNowhere && task.crashed_at != place;
  if (task.crashed_at == kNowhere) task.crashed_at = place;
  if (task.crashes >= kPoisonLimit || at_another) {
    return finish(step, TaskState::failed, FailureClass::poison, now.time);
  }
  if (!goes_on(step, now.time)) wait_backoff(step, policy, task.crashes - 1, {}, now);
}

void count_attempt(OwnerStep& step, const OwnerPolicy& policy, FailureClass failure, Now now) {
  OwnerTask& task = step.next;
  // The last attempt is used up by whichever is the last one out.
  const bool others = goes_on(step, now.time);
  if (!others || task.attempts + 1 < policy.retry.max_attempts) count_up(task.attempts);
  if (others) return;
  if (task.attempts >= policy.retry.max_attempts) {
    return finish(step, TaskState::failed, failure, now.time);
  }
  wait_backoff(step, policy, task.attempts - 1, {}, now);
}

}  // namespace

const LiveAttempt* OwnerTask::attempt(Epoch of) const {
  const auto found =
      std::find_if(live.begin(), live.end(), [of](auto& one) { return one.epoch == of; });
  return found == live.end() ? nullptr : found;
}

const LiveAttempt* OwnerTask::attempt_at(PlaceId place) const {
  const auto found =
      std::find_if(live.begin(), live.end(), [place](auto& one) { return one.place == place; });
  return found == live.end() ? nullptr : found;
}

LiveAttempt* live_attempt(OwnerTask& task, Epoch epoch) {
  if (is_terminal(task.state) || epoch.value == 0) return nullptr;
  const auto found = std::find_if(task.live.begin(), task.live.end(),
                                  [epoch](auto& one) { return one.epoch == epoch; });
  return found == task.live.end() ? nullptr : found;
}

void end_attempt(OwnerStep& step, LiveAttempt& attempt, Stop stop) {
  step.act.attempts.push_back(
      {attempt.epoch, attempt.place, attempt.offer_pending, stop == Stop::yes});
  step.next.live.erase(&attempt);
}

void enter(OwnerStep& step, TaskState state, WaitReason reason, NodeTime now) {
  step.verdict = Verdict::applied;
  step.next.state = state;
  step.next.reason = reason;
  step.next.since = now;
  step.next.wake = kNever;
}

void finish(OwnerStep& step, TaskState outcome, FailureClass failure, NodeTime now) {
  if (failure != FailureClass::none && !step.next.live.empty()) {
    step.failed = step.next.live.back().epoch;
  }
  while (!step.next.live.empty()) end_attempt(step, *step.next.live.begin(), Stop::yes);
  enter(step, outcome, WaitReason::none, now);
  step.failure = failure;
  if (failure != FailureClass::none) step.next.last_failure = failure;
  step.act.finished = true;
}

void fail_attempt(OwnerStep& step, LiveAttempt& attempt, const OwnerPolicy& policy,
                  FailureClass failure, Stop stop, Now now) {
  const PlaceId place = attempt.place;
  step.failed = attempt.epoch;
  end_attempt(step, attempt, stop);
  if (step.next.live.empty()) step.next.settled = step.next.epoch;
  step.next.losses = 0;
  step.failure = step.next.last_failure = failure;
  if (failure == FailureClass::interrupted) {
    if (!goes_on(step, now.time)) enter(step, TaskState::ready, WaitReason::none, now.time);
    return;
  }
  if (failure == FailureClass::crash) return count_crash(step, policy, place, now);
  count_attempt(step, policy, failure, now);
}

void grant_again_later(OwnerStep& step, LiveAttempt& attempt, const OwnerPolicy& policy,
                       FailureClass failure, Duration at_least, Now now) {
  step.failed = attempt.epoch;
  end_attempt(step, attempt, Stop::no);
  count_up(step.next.losses);
  step.failure = step.next.last_failure = failure;
  if (goes_on(step, now.time)) return;
  wait_backoff(step, policy, step.next.losses - 1, at_least, now);
}

void take_back(OwnerStep& step, LiveAttempt& attempt, NodeTime now) {
  end_attempt(step, attempt, Stop::yes);
  count_up(step.next.losses);
  if (!goes_on(step, now)) enter(step, TaskState::ready, WaitReason::none, now);
}

Duration backoff(const RetryPolicy& policy, std::uint32_t n, std::uint64_t random) {
  const Duration cap(std::max(policy.cap, std::chrono::milliseconds::zero()));
  Duration limit =
      std::min(Duration(std::max(policy.base, std::chrono::milliseconds::zero())), cap);
  for (; n > 0 && limit > Duration::zero() && limit < cap; --n) {
    limit = limit > cap / 2 ? cap : limit * 2;
  }
  const auto choices = static_cast<std::uint64_t>(limit.count()) + 1;
  return Duration(static_cast<std::int64_t>(random % choices));
}

}  // namespace spillway::lifecycle
