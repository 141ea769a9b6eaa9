#include <algorithm>
#include <limits>

#include "common/lifecycle/instant.h"
#include "common/lifecycle/owner_attempt.h"

namespace spillway::lifecycle {
namespace {

// A message of the live epoch proves that the lessee has the OFFER on its disk.
OwnerStep renew(const OwnerTask& task, const OwnerPolicy& policy, Now now) {
  OwnerStep step = applied(task);
  step.next.lease_until = after(now.time, policy.lease);
  step.next.offer_pending = false;
  step.act.drop_offer = task.offer_pending;
  step.act.stop_epoch = task.epoch;
  step.renewal = !task.offer_pending;
  return step;
}

OwnerStep ask_to_stop(const OwnerTask& task, Epoch epoch) {
  OwnerStep step = stale(task);
  step.act.send_cancel = true;
  step.act.stop_epoch = epoch;
  return step;
}

bool is_remote(const OwnerTask& task, Epoch epoch) {
  return is_live(task, epoch) && task.place != kHere;
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
  step.next.place = place;
  step.next.start_by = kNever;
  step.next.boot = local ? boot : BootId{};
  step.next.offer_pending = step.act.send_offer = !local;
  step.act.run_local = local;
  if (!local) step.next.lease_until = after(now.time, policy.lease);
  if (local && policy.run_timeout > Duration::zero()) {
    step.next.run_until = after(now.time, policy.run_timeout);
  }
  return step;
}

OwnerStep on_accept(const OwnerTask& task, const OwnerPolicy& policy, Epoch epoch, Now now) {
  if (!is_remote(task, epoch)) return ask_to_stop(task, epoch);
  return renew(task, policy, now);
}

OwnerStep on_started(const OwnerTask& task, const OwnerPolicy& policy, Epoch epoch, Now now) {
  OwnerStep step = on_accept(task, policy, epoch, now);
  if (step.verdict != Verdict::applied || task.state == TaskState::running) return step;
  enter(step, TaskState::running, WaitReason::none, now.time);
  step.renewal = false;
  return step;
}

OwnerStep on_beat(const OwnerTask& task, const OwnerPolicy& policy, Epoch epoch, Now now) {
  if (!is_remote(task, epoch)) return stale(task);
  return renew(task, policy, now);
}

OwnerStep on_nack(const OwnerTask& task, const OwnerPolicy& policy, Epoch epoch, Refusal refusal,
                  Now now) {
  // A NACK of one copy of an OFFER may trail the ACCEPT of another: what was accepted stays so.
  if (!is_remote(task, epoch) || !task.offer_pending) return stale(task);
  OwnerStep step = applied(task);
  grant_again_later(step, policy, FailureClass::refused, refusal.retry_after, now);
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
  if (is_live(task, epoch)) end_attempt(step, Stop::no);
  finish(step, TaskState::succeeded, FailureClass::none, now.time);
  step.act.keep_result = true;
  return step;
}

OwnerStep on_failure(const OwnerTask& task, const OwnerPolicy& policy, Epoch epoch,
                     FailureClass failure, Now now) {
  if (!is_live(task, epoch) || failure == FailureClass::none) return stale(task);
  OwnerStep step = applied(task);
  if (failure == FailureClass::lost || failure == FailureClass::refused) {
    grant_again_later(step, policy, failure, {}, now);
  } else {
    fail_attempt(step, policy, is_end_of_attempt(failure) ? failure : FailureClass::error, Stop::no,
                 now);
  }
  return step;
}

OwnerStep on_link_down(const OwnerTask& task, const OwnerPolicy&, OnDisconnect choice, Now now) {
  if (is_terminal(task.state)) return unchanged(task);
  OwnerStep step = unchanged(task);
  const bool nowhere = task.place == kNowhere || task.offer_pending;
  if (choice == OnDisconnect::fail && nowhere) {
    finish(step, TaskState::failed, FailureClass::disconnected, now.time);
  } else if (task.offer_pending) {
    take_back(step, now.time);
  }
  return step;
}

OwnerStep withdraw(const OwnerTask& task, const OwnerPolicy&, Now now) {
  if (!is_remote(task, task.epoch) || !task.offer_pending) return stale(task);
  OwnerStep step = applied(task);
  take_back(step, now.time);
  return step;
}

}  // namespace spillway::lifecycle
