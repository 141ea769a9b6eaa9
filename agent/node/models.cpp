#include "agent/node/models.h"

namespace spillway::agent {
namespace {

// A device that loses power learns the last minutes again.
constexpr Duration kKeepEvery = std::chrono::minutes(10);

}  // namespace

Models::Models(placement::Policy policy, const Bytes& kept, Keep keep,
               const std::function<void(const std::string& message)>& alarm)
    : placement_(policy), keep_(std::move(keep)) {
  if (kept.empty() || placement_.load(kept)) return;
  alarm("what was learned of run times and link cannot be read; it is learned anew");
}

void Models::learn_run(const owner::OwnedTask& task, PlaceId place, Duration ran, NodeTime now) {
  placement_.learn_run(task.spec->kind.name, place, task.work, ran, now);
  if (keep_ && due_ == kNever) due_ = now + kKeepEvery;
}

void Models::keep() {
  if (std::exchange(due_, kNever) == kNever) return;
  keep_(placement_.save());
}

}  // namespace spillway::agent
