#include <algorithm>
#include <limits>

#include "common/lifecycle/instant.h"
#include "common/lifecycle/owner_attempt.h"

namespace spillway::lifecycle {
namespace {

// The attempt of that epoch, if it is live elsewhere.
LiveAttempt* remote_attempt(OwnerTask& task, Epoch epoch) {
  LiveAttempt* attempt = live_attempt(task, epoch);
  return attempt && attempt->place != kHere ? attempt : nullptr;
}

// A message of a live epoch proves that the lessee has the OFFER on its disk.
void renew(OwnerStep& step, LiveAttempt& attempt, const OwnerPolicy& policy, Now now) {
  step.verdict = Verdict::applied;
  step.renewal = !attempt.offer_pending;
  if (attempt.offer_pending) step.act.attempts.push_back({attempt.epoch, attempt.place, true});
  attempt.lease_until = after(now.time, policy.lease);
  attempt.offer_pending = false;
}

OwnerStep ask_to_stop(const OwnerTask& task, Epoch epoch) {
  OwnerStep step = stale(task);
  step.act.attempts.push_back({epoch, kNowhere, false, true});
  return step;
}

bool is_end_of_attempt(FailureClass failure) {
  return failure == FailureClass::timeout || failure == FailureClass::crash ||
         failure == FailureClass::interrupted;
}

}  // namespace

OwnerStep grant(const OwnerTask& task, const OwnerPolicy& policy, PlaceId place, BootId boot,
                Now now) {
  const bool exhausted = task.epoch.value == std::numeric_limits<std::uint32_t>::max();
  if (task.state != TaskState::ready || place == kNowhere || exhausted) return stale(task);
  const bool local = place == kHere;
  OwnerStep step = applied(task);
  enter(step, local ? TaskState::running : TaskState::leased, WaitReason::none, now.time);
  ++step.next.epoch.value;
  step.next.start_by = kNever;
  step.act.send_offer = !local;
  step.act.run_local = local;
  LiveAttempt attempt;
  attempt.epoch = step.next.epoch;
  attempt.place = place;
  attempt.started = local;
  attempt.offer_pending = !local;
  if (local) attempt.boot = boot;
  if (!local) attempt.lease_until = after(now.time, policy.lease);
  if (local && policy.run_timeout > Duration::zero()) {
    attempt.run_until = after(now.time, policy.run_timeout);
  }
  return step.next.live.push_back(attempt) ? step : stale(task);
}

OwnerStep on_accept(const OwnerTask& task, const OwnerPolicy& policy, Epoch epoch, Now now) {
  OwnerStep step = stale(task);
  LiveAttempt* attempt = remote_attempt(step.next, epoch);
  if (!attempt) return ask_to_stop(task, epoch);
  renew(step, *attempt, policy, now);
  return step;
}

OwnerStep on_started(const OwnerTask& task, const OwnerPolicy& policy, Epoch epoch, Now now) {
  OwnerStep step = on_accept(task, policy, epoch, now);
  LiveAttempt* attempt = live_attempt(step.next, epoch);
  if (step.verdict != Verdict::applied || attempt->started) return step;
  attempt->started = true;
  step.renewal = false;
  if (task.state != TaskState::running) {
    enter(step, TaskState::running, WaitReason::none, now.time);
  }
  return step;
}

OwnerStep on_beat(const OwnerTask& task, const OwnerPolicy& policy, Epoch epoch, Now now) {
  OwnerStep step = stale(task);
  if (LiveAttempt* attempt = remote_attempt(step.next, epoch)) renew(step, *attempt, policy, now);
  return step;
}

OwnerStep on_nack(const OwnerTask& task, const OwnerPolicy& policy, Epoch epoch, Refusal refusal,
                  Now now) {
  // A NACK of one copy of an OFFER may trail the ACCEPT of another: what was accepted stays so.
  OwnerStep step = applied(task);
  LiveAttempt* attempt = remote_attempt(step.next, epoch);
  if (!attempt || !attempt->offer_pending) return stale(task);
  grant_again_later(step, *attempt, policy, FailureClass::refused, refusal.retry_after, now);
  const Epoch known{std::min(refusal.known.value, kLastJump)};
  if (known > step.next.epoch) step.next.epoch = known;
  return step;
}

OwnerStep on_success(const OwnerTask& task, const OwnerPolicy& policy, Epoch epoch, Now now) {
  OwnerStep step = stale(task);
  if (task.state == TaskState::succeeded) step.verdict = Verdict::duplicate;
  if (is_terminal(task.state)) return step;
  if (epoch.value == 0 || epoch > task.epoch) return step;
  // With nothing granted since, the last epoch stands even when its attempt was given up: to refuse
  // the success would have the effect happen again.
  if (policy.effects == Effects::once && epoch != task.epoch) return step;
  if (LiveAttempt* won = live_attempt(step.next, epoch)) end_attempt(step, *won, Stop::no);
  finish(step, TaskState::succeeded, FailureClass::none, now.time);
  step.act.keep_result = true;
  return step;
}

OwnerStep on_failure(const OwnerTask& task, const OwnerPolicy& policy, Epoch epoch,
                     FailureClass failure, Now now) {
  OwnerStep step = applied(task);
  LiveAttempt* attempt = live_attempt(step.next, epoch);
  if (!attempt || failure == FailureClass::none) return stale(task);
  if (failure == FailureClass::lost || failure == FailureClass::refused) {
    grant_again_later(step, *attempt, policy, failure, {}, now);
  } else {
    fail_attempt(step, *attempt, policy, is_end_of_attempt(failure) ? failure : FailureClass::error,
                 Stop::no, now);
  }
  return step;
}

OwnerStep on_link_down(const OwnerTask& task, OnDisconnect choice, PlaceId gone, Now now) {
  OwnerStep step = unchanged(task);
  if (is_terminal(task.state)) return step;
  const auto unheard = [gone](const LiveAttempt& one) {
    return one.place == gone && one.offer_pending;
  };
  auto& live = step.next.live;
  if (choice == OnDisconnect::fail && std::all_of(live.begin(), live.end(), unheard)) {
    finish(step, TaskState::failed, FailureClass::disconnected, now.time);
    return step;
  }
  const auto pending = std::find_if(live.begin(), live.end(), unheard);
  if (pending != live.end()) {
    step.verdict = Verdict::applied;
    take_back(step, *pending, now.time);
  }
  return step;
}

OwnerStep withdraw(const OwnerTask& task, Epoch epoch, Now now) {
  OwnerStep step = applied(task);
  LiveAttempt* attempt = remote_attempt(step.next, epoch);
  if (!attempt || !attempt->offer_pending) return stale(task);
  take_back(step, *attempt, now.time);
  return step;
}

}  // namespace spillway::lifecycle
