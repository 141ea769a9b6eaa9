#include "common/runner/claims.h"

namespace spillway::runner {

// Where the claim counts in its share; null: nowhere.
std::uint32_t* Claims::count_of(const Claim& claim) {
  if (!claim.share) return nullptr;
  if (claim.blocking) return &claim.share->blocking;
  return claim.predicted > kAhead ? &claim.share->cores : nullptr;
}

void Claims::take(TaskId id, Epoch epoch, bool blocking, double predicted, Share* share) {
  if (blocking) predicted = 0;
  const Claim claim{blocking, predicted, share};
  held_.emplace(std::pair(id, epoch), claim);
  (blocking ? blocking_ : running_) += 1;
  if (std::uint32_t* count = count_of(claim)) *count += 1;
  seconds_ += predicted;
}

std::optional<double> Claims::free(TaskId id, Epoch epoch) {
  const auto held = held_.find({id, epoch});
  if (held == held_.end()) return std::nullopt;
  const Claim claim = held->second;
  (claim.blocking ? blocking_ : running_) -= 1;
  if (std::uint32_t* count = count_of(claim)) *count -= 1;
  seconds_ = running_ == 0 ? 0 : seconds_ - claim.predicted;  // no rounding adds up
  held_.erase(held);
  return claim.predicted;
}

bool Claims::may_go_ahead(const TaskSpec& spec, bool crashed, double predicted,
                          std::uint32_t cores) const {
  return !crashed && spec.effects != Effects::once && !spec.run_timeout && running_ < most_ &&
         seconds_ + predicted <= kAhead * cores;
}

}  // namespace spillway::runner
