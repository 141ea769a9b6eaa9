#include "common/lifecycle/owner_attempt.h"

#include <algorithm>

#include "common/lifecycle/instant.h"

namespace spillway::lifecycle {
namespace {

constexpr std::uint32_t kManyCounts = 1'000'000;

void count_up(std::uint32_t& counter) { counter = std::min(counter + 1, kManyCounts); }

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
  wait_backoff(step, policy, task.crashes - 1, {}, now);
}

void count_attempt(OwnerStep& step, const OwnerPolicy& policy, FailureClass failure, Now now) {
  OwnerTask& task = step.next;
  count_up(task.attempts);
  if (task.attempts >= policy.retry.max_attempts) {
    return finish(step, TaskState::failed, failure, now.time);
  }
  wait_backoff(step, policy, task.attempts - 1, {}, now);
}

}  // namespace

bool is_live(const OwnerTask& task, Epoch epoch) {
  return !is_terminal(task.state) && task.place != kNowhere && epoch.value > 0 &&
         epoch == task.epoch;
}

void end_attempt(OwnerStep& step, Stop stop) {
  OwnerTask& task = step.next;
  if (task.place == kNowhere) return;
  step.act.stop_epoch = task.epoch;
  step.act.drop_offer = task.offer_pending;
  step.act.stop_local = stop == Stop::yes && task.place == kHere;
  step.act.send_cancel = stop == Stop::yes && task.place != kHere;
  task.place = kNowhere;
  task.boot = {};
  task.offer_pending = false;
  task.lease_until = task.run_until = kNever;
}

void enter(OwnerStep& step, TaskState state, WaitReason reason, NodeTime now) {
  step.verdict = Verdict::applied;
  step.next.state = state;
  step.next.reason = reason;
  step.next.since = now;
  step.next.wake = kNever;
}

void finish(OwnerStep& step, TaskState outcome, FailureClass failure, NodeTime now) {
  end_attempt(step, Stop::yes);
  enter(step, outcome, WaitReason::none, now);
  step.failure = failure;
  if (failure != FailureClass::none) step.next.last_failure = failure;
  step.act.finished = true;
}

void fail_attempt(OwnerStep& step, const OwnerPolicy& policy, FailureClass failure, Stop stop,
                  Now now) {
  const PlaceId place = step.next.place;
  end_attempt(step, stop);
  step.next.settled = step.next.epoch;
  step.next.losses = 0;
  step.failure = step.next.last_failure = failure;
  if (failure == FailureClass::interrupted) {
    return enter(step, TaskState::ready, WaitReason::none, now.time);
  }
  if (failure == FailureClass::crash) return count_crash(step, policy, place, now);
  count_attempt(step, policy, failure, now);
}

void grant_again_later(OwnerStep& step, const OwnerPolicy& policy, FailureClass failure,
                       Duration at_least, Now now) {
  end_attempt(step, Stop::no);
  count_up(step.next.losses);
  step.failure = step.next.last_failure = failure;
  wait_backoff(step, policy, step.next.losses - 1, at_least, now);
}

void take_back(OwnerStep& step, NodeTime now) {
  end_attempt(step, Stop::yes);
  count_up(step.next.losses);
  enter(step, TaskState::ready, WaitReason::none, now);
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
