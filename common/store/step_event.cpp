#include "common/store/step_event.h"

namespace spillway::store {

EventKind event_of(const lifecycle::OwnerTask& was, const lifecycle::OwnerStep& step) {
  switch (step.next.state) {
    case TaskState::succeeded: return EventKind::succeeded;
    case TaskState::failed: return EventKind::failed;
    case TaskState::cancelled: return EventKind::cancelled;
    case TaskState::expired: return EventKind::expired;
    case TaskState::leased:
    case TaskState::running:
      return step.next.epoch > was.epoch ? EventKind::granted : EventKind::started;
    case TaskState::waiting:
    case TaskState::ready: break;
  }
  if (is_terminal(was.state)) return EventKind::retried;
  if (step.next.reason == WaitReason::held) return EventKind::held;
  if (was.reason == WaitReason::held) return EventKind::released;
  if (step.failure == FailureClass::lost) return EventKind::lease_lost;
  if (step.failure != FailureClass::none && step.failure != FailureClass::refused) {
    return EventKind::attempt_failed;
  }
  return EventKind::offered_back;
}

// Steps that a task's row says already, or that nobody asks about.
bool worth_an_event(const lifecycle::OwnerTask& was, const lifecycle::OwnerStep& step,
                    EventKind kind) {
  if (kind == EventKind::succeeded || kind == EventKind::started) return false;
  if (kind == EventKind::offered_back) return was.place != kNowhere;
  return was.state != step.next.state || was.reason != step.next.reason ||
         was.epoch != step.next.epoch;
}

}  // namespace spillway::store
