#include "common/owner/step_event.h"

namespace spillway::owner {

store::EventKind event_of(const lifecycle::OwnerTask& was, const lifecycle::OwnerStep& step) {
  switch (step.next.state) {
    case TaskState::succeeded: return store::EventKind::succeeded;
    case TaskState::failed: return store::EventKind::failed;
    case TaskState::cancelled: return store::EventKind::cancelled;
    case TaskState::expired: return store::EventKind::expired;
    case TaskState::leased:
    case TaskState::running:
      if (step.next.epoch > was.epoch) return store::EventKind::granted;
      if (step.next.live.size() == was.live.size()) return store::EventKind::started;
      break;  // one of several has ended
    case TaskState::waiting:
    case TaskState::ready: break;
  }
  if (is_terminal(was.state)) return store::EventKind::retried;
  if (step.next.reason == WaitReason::held) return store::EventKind::held;
  if (was.reason == WaitReason::held) return store::EventKind::released;
  if (step.failure == FailureClass::lost) return store::EventKind::lease_lost;
  if (step.failure != FailureClass::none && step.failure != FailureClass::refused) {
    return store::EventKind::attempt_failed;
  }
  return store::EventKind::offered_back;
}

// Steps that a task's row says already, or that nobody asks about.
bool worth_an_event(const lifecycle::OwnerTask& was, const lifecycle::OwnerStep& step,
                    store::EventKind kind) {
  if (kind == store::EventKind::succeeded || kind == store::EventKind::started) return false;
  if (kind == store::EventKind::offered_back) return !was.live.empty();
  return was.state != step.next.state || was.reason != step.next.reason ||
         was.epoch != step.next.epoch || was.live.size() != step.next.live.size();
}

}  // namespace spillway::owner
