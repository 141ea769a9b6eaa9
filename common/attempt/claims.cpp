#include "common/attempt/claims.h"

namespace spillway::attempt {

void Claims::take(TaskId id, Epoch epoch, bool blocking, double predicted) {
  if (blocking) predicted = 0;
  held_[{id, epoch}] = {blocking, predicted};
  (blocking ? blocking_ : running_) += 1;
  seconds_ += predicted;
}

bool Claims::free(TaskId id, Epoch epoch) {
  const auto held = held_.find({id, epoch});
  if (held == held_.end()) return false;
  (held->second.blocking ? blocking_ : running_) -= 1;
  seconds_ = running_ == 0 ? 0 : seconds_ - held->second.predicted;  // no rounding adds up
  held_.erase(held);
  return true;
}

bool Claims::may_go_ahead(const TaskSpec& spec, bool crashed, double predicted,
                          std::uint32_t cores) const {
  return !crashed && spec.effects != Effects::once && !spec.run_timeout && running_ < most_ &&
         seconds_ + predicted <= kAhead * cores;
}

}  // namespace spillway::attempt
