#include "tests/sim/tally.h"

namespace spillway::sim {

using lifecycle::LeaseState;

void Tally::step(const Checks::OwnerEvent& event, FailureClass failure) {
  heard(event);
  ended(event, failure);
}

void Tally::heard(const Checks::OwnerEvent& event) {
  switch (event.cause) {
    case Cause::success: return success(event);
    case Cause::failure:
      if (!event.applied) stats_->count(Seen::stale_failure_ignored);
      return;
    case Cause::nack:
      return stats_->count(event.applied ? Seen::nacks_taken : Seen::late_nacks_ignored);
    case Cause::link_down:
      if (offer_out(event.before.task) != Epoch{}) stats_->count(Seen::link_down_took_offer_back);
      return;
    case Cause::hold: return stats_->count(Seen::holds);
    case Cause::retry: return stats_->count(Seen::retries);
    case Cause::withdraw: return stats_->count(Seen::offers_withdrawn);
    default: return;
  }
}

void Tally::success(const Checks::OwnerEvent& event) {
  const lifecycle::OwnerTask& before = event.before.task;
  if (event.applied) {
    const lifecycle::LiveAttempt* out = before.attempt(event.epoch);
    if (!out) return stats_->count(Seen::late_success_accepted);
    if (out->place != kHere) stats_->count(Seen::succeeded_at_lessee);
    return;
  }
  if (before.state == TaskState::succeeded) return stats_->count(Seen::duplicate_success);
  stats_->count(is_terminal(before.state) ? Seen::stale_success : Seen::late_once_success_refused);
}

void Tally::ended(const Checks::OwnerEvent& event, FailureClass failure) {
  const TaskState state = event.after.task.state;
  const PlaceId place = event.before.task.place();
  if (state == event.before.task.state && failure == FailureClass::none) return;
  if (state == TaskState::succeeded) stats_->count(Seen::succeeded);
  if (state == TaskState::cancelled) stats_->count(Seen::cancelled);
  if (state == TaskState::expired) stats_->count(Seen::expired);
  if (state == TaskState::failed) stats_->count(Seen::failed);
  switch (failure) {
    case FailureClass::lost: return stats_->count(Seen::leases_lost);
    case FailureClass::interrupted: return stats_->count(Seen::interrupted);
    case FailureClass::dependency: return stats_->count(Seen::dependency_failed);
    case FailureClass::disconnected: return stats_->count(Seen::disconnected_failed);
    case FailureClass::poison:
      return stats_->count(event.after.task.crashes >= lifecycle::kPoisonLimit
                               ? Seen::poison_by_count
                               : Seen::poison_by_places);
    case FailureClass::timeout:
      if (place == kNowhere) return stats_->count(Seen::queue_timeouts);
      if (place == kHere) stats_->count(Seen::local_run_timeouts);
      [[fallthrough]];
    case FailureClass::error:
      if (state == TaskState::failed) stats_->count(Seen::attempts_exhausted);
      return;
    default: return;
  }
}

void Tally::step(LesseeCause cause, const LesseeRow& before, const LesseeRow& after, NodeTime now) {
  if (cause == LesseeCause::offer && before.exists) return offered(before, after);
  if (cause != LesseeCause::time) return;
  if (after.task.failure == FailureClass::timeout) {
    stats_->count(Seen::lessee_run_timeouts);
  } else if (before.task.lease_until <= now) {
    stats_->count(Seen::lessee_leases_ended);
  }
}

void Tally::offered(const LesseeRow& before, const LesseeRow& after) {
  const bool success = before.task.failure == FailureClass::none;
  if (before.task.state == LeaseState::running) stats_->count(Seen::running_adopted);
  if (after.task.state == LeaseState::done) {
    stats_->count(success ? Seen::success_adopted : Seen::failure_adopted);
  } else if (!success) {
    stats_->count(Seen::settled_failure_run_anew);
  }
}

}  // namespace spillway::sim
