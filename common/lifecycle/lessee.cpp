#include "common/lifecycle/lessee.h"

#include <algorithm>

#include "common/lifecycle/instant.h"

namespace spillway::lifecycle {
namespace {

LesseeStep unchanged(const LesseeTask& task) { return {Verdict::unchanged, task, {}}; }
LesseeStep stale(const LesseeTask& task) { return {Verdict::stale, task, {}}; }
LesseeStep applied(const LesseeTask& task) { return {Verdict::applied, task, {}}; }

LesseeStep refuse(const std::optional<LesseeTask>& held, NackReason reason) {
  LesseeStep step = stale(held.value_or(LesseeTask{}));
  step.act.send_nack = true;
  step.act.nack = reason;
  return step;
}

bool is_held(const LesseeTask& task) {
  return task.state == LeaseState::accepted || task.state == LeaseState::running;
}

NodeTime deadline_of(const OfferTerms& terms, Now now) {
  return terms.remaining == Duration::max() ? kNever : after(now.time, terms.remaining);
}

LesseeStep begin(const std::optional<LesseeTask>& held, const OfferTerms& terms, Now now) {
  if (terms.refuse) return refuse(held, *terms.refuse);
  LesseeStep step = applied({});
  step.next.epoch = terms.epoch;
  step.next.effects = terms.effects;
  step.next.deadline = deadline_of(terms, now);
  step.next.lease_until = after(now.time, terms.lease);
  step.act.send_accept = step.act.run = true;
  return step;
}

LesseeStep answer_again(const LesseeTask& task) {
  if (task.state == LeaseState::answered) return refuse(task, NackReason::stale);
  LesseeStep step = unchanged(task);
  step.act.send_accept = is_held(task);
  step.act.send_result = task.state == LeaseState::done;
  return step;
}

// Whether a run failed here that the owner has not counted. It must reach the owner under the epoch
// that is live now: were the task run anew, one that takes its place down could do so for ever
// while the owner sees only leases that run out. A failure that is settled must not be told again:
// one run would burn two attempts.
bool owes_failure(const LesseeTask& task, const OfferTerms& terms) {
  const bool counts =
      task.failure != FailureClass::none && task.failure != FailureClass::interrupted;
  return !is_held(task) && counts && terms.settled < task.epoch;
}

LesseeStep adopt_work(const LesseeTask& task, const OfferTerms& terms, Now now) {
  LesseeStep step = applied(task);
  step.next.epoch = terms.epoch;
  step.next.deadline = deadline_of(terms, now);
  step.next.lease_until = after(now.time, terms.lease);
  step.act.send_accept = true;
  return step;
}

LesseeStep adopt_result(const LesseeTask& task, Epoch epoch) {
  LesseeStep step = applied(task);
  step.next.epoch = epoch;
  step.act.send_result = true;
  return step;
}

// The OFFER is sent until it is answered, so the tombstone need not change to see this through.
LesseeStep tell_failure(const LesseeTask& task) {
  LesseeStep step = unchanged(task);
  step.act.owe_failure = true;
  return step;
}

LesseeStep take_on(const LesseeTask& task, const OfferTerms& terms, Now now) {
  if (is_held(task)) return adopt_work(task, terms, now);
  const bool owes = owes_failure(task, terms);
  if (task.state == LeaseState::answered) {
    return owes ? tell_failure(task) : begin(task, terms, now);
  }
  const bool keeps = owes || task.failure == FailureClass::none;
  return keeps ? adopt_result(task, terms.epoch) : begin(task, terms, now);
}

// The owner's turn: it knows, or will find out by itself.
LesseeStep drop(const LesseeTask& task) {
  LesseeStep step = applied(task);
  if (is_held(task)) step.next.failure = FailureClass::interrupted;
  step.next.state = LeaseState::answered;
  step.next.deadline = step.next.run_until = step.next.lease_until = kNever;
  step.act.stop = task.state == LeaseState::running;
  return step;
}

LesseeStep finish(const LesseeTask& task, FailureClass failure) {
  LesseeStep step = applied(task);
  step.next.state = LeaseState::done;
  step.next.failure = failure;
  step.next.deadline = step.next.run_until = step.next.lease_until = kNever;
  step.act.send_result = true;
  return step;
}

// Late success still counts for work that may run twice, so only the rest depends on the lease.
bool needs_lease(const LesseeTask& task) {
  return task.state == LeaseState::accepted ||
         (task.state == LeaseState::running && task.effects == Effects::once);
}

}  // namespace

std::string_view to_string(NackReason reason) {
  constexpr std::string_view kNames[] = {"busy",  "unknown_kind", "draining", "needs", "malformed",
                                         "stale", "expired",      "conflict", "barred"};
  const auto index = static_cast<std::size_t>(reason);
  return index < std::size(kNames) ? kNames[index] : "unknown";
}

std::string refusal_text(NackReason reason, Epoch offered, Epoch known) {
  std::string text(to_string(reason));
  if (known > offered) {
    text += ": a later attempt of it is known there, from before this store was put back";
  }
  return text;
}

LesseeStep on_offer(const std::optional<LesseeTask>& held, const OfferTerms& terms, Now now) {
  if (terms.epoch.value == 0) return refuse(held, NackReason::malformed);
  const bool hopeless =
      terms.refuse == NackReason::conflict || terms.refuse == NackReason::malformed;
  if (hopeless) return refuse(held, *terms.refuse);
  if (held && terms.epoch < held->epoch) return refuse(held, NackReason::stale);
  if (held && terms.epoch == held->epoch) return answer_again(*held);
  if (terms.remaining <= Duration::zero()) return refuse(held, NackReason::expired);
  return held ? take_on(*held, terms, now) : begin(held, terms, now);
}

LesseeStep on_start(const LesseeTask& task, const OfferTerms& terms, BootId boot, Now now) {
  if (task.state == LeaseState::running && task.boot == boot) return unchanged(task);
  if (task.state != LeaseState::accepted) return stale(task);
  LesseeStep step = applied(task);
  step.next.state = LeaseState::running;
  step.next.boot = boot;
  step.next.run_until =
      terms.run_timeout > Duration::zero() ? after(now.time, terms.run_timeout) : kNever;
  return step;
}

LesseeStep on_finish(const LesseeTask& task, FailureClass failure, Now) {
  const bool handed_back = task.state == LeaseState::accepted &&
                           (failure == FailureClass::interrupted || failure == FailureClass::error);
  if (task.state != LeaseState::running && !handed_back) return stale(task);
  return finish(task, failure);
}

LesseeStep on_result_ack(const LesseeTask& task, Epoch epoch, Now) {
  if (epoch != task.epoch) return stale(task);
  if (task.state == LeaseState::answered) return unchanged(task);
  return task.state == LeaseState::done ? drop(task) : stale(task);
}

LesseeStep on_cancel(const LesseeTask& task, Epoch epoch, Now) {
  if (epoch < task.epoch) return stale(task);
  return is_held(task) ? drop(task) : unchanged(task);
}

LesseeStep on_keep(const LesseeTask& task, Epoch epoch, NodeTime beat_sent, Duration lease,
                   Now now) {
  if (epoch != task.epoch || !is_held(task)) return stale(task);
  // A BEAT sent before a restart may carry a time that this time line has not reached again.
  const NodeTime until = after(std::min(beat_sent, now.time), lease);
  if (until <= task.lease_until) return unchanged(task);
  LesseeStep step = applied(task);
  step.next.lease_until = until;
  return step;
}

LesseeStep on_lessee_time(const LesseeTask& task, Now now) {
  if (!is_held(task)) return unchanged(task);
  if (now.time >= task.deadline) return drop(task);
  if (task.state == LeaseState::running && now.time >= task.run_until) {
    LesseeStep step = finish(task, FailureClass::timeout);
    step.act.stop = true;
    return step;
  }
  return needs_lease(task) && now.time >= task.lease_until ? drop(task) : unchanged(task);
}

NodeTime next_lessee_time(const LesseeTask& task) {
  if (!is_held(task)) return kNever;
  NodeTime next = task.deadline;
  if (task.state == LeaseState::running) next = std::min(next, task.run_until);
  return needs_lease(task) ? std::min(next, task.lease_until) : next;
}

LesseeStep recover_lessee(const LesseeTask& task, BootId boot, bool may_have_begun, Duration lease,
                          Now now) {
  LesseeStep step = unchanged(task);
  if (task.state == LeaseState::running && task.boot != boot) {
    if (may_have_begun) return finish(task, FailureClass::crash);
    step.next.state = LeaseState::accepted;
    step.next.run_until = kNever;
  }
  step.act.send_result = task.state == LeaseState::done;
  if (step.next.state == LeaseState::accepted) {
    step.verdict = Verdict::applied;
    step.next.lease_until = after(now.time, lease);
    step.act.run = true;
  }
  return step;
}

}  // namespace spillway::lifecycle
