#include <algorithm>

#include "common/lessee/lessee.h"

namespace spillway::lessee {
namespace {

constexpr Duration kBeatEvery = std::chrono::seconds(10);  // a third of the default lease
constexpr Duration kPruneEvery = std::chrono::seconds(10);
constexpr Duration kCreditsEvery = std::chrono::milliseconds(50);
constexpr Duration kTombstoneAge = std::chrono::hours(24);
constexpr std::size_t kPruneSlice = 1024;

}  // namespace

void Lessee::beat() {
  next_beat_ = now() + kBeatEvery;
  if (!parts_.up()) return;
  beat_sent_[++beat_round_] = now();
  while (beat_sent_.size() > 8) beat_sent_.erase(beat_sent_.begin());
  for (const auto& [id, task] : tasks_) {
    bool speaks = task.held() || task.state.state == lifecycle::LeaseState::done;
    if (!speaks || task.unsaved > 0 || !owners_[task.owner].online) continue;
    parts_.send_ack(task.owner, wire::Beat{id, task.state.epoch, task.state.state, beat_round_});
  }
}

Duration Lessee::queue_delay() const {
  double seconds = double(queue_.size()) * mean_run_ / std::max(1U, parts_.runner->width());
  return Duration(std::int64_t(seconds * 1e6));
}

// Room is shared evenly among the owners that are there; each may hold its share at once.
wire::Credits Lessee::room() const {
  std::uint32_t online = 0;
  for (const auto& [name, owner] : owners_) online += owner.online ? 1 : 0;
  wire::Credits credits;
  credits.offers = draining_ ? 0 : std::max(1U, options_.max_queue / std::max(1U, online));
  credits.queue_delay = queue_delay();
  credits.workers = parts_.runner->width();
  credits.memory = options_.memory;
  credits.rate =
      options_.uplink == 0 ? 0 : std::max<std::uint64_t>(options_.uplink / std::max(1U, online), 1);
  return credits;
}

// Tells an owner its room when that changed, and the queue's delay when it moved by more than a
// fifth.
void Lessee::tell_credits() {
  if (now() < next_credits_ || !parts_.up()) return;
  next_credits_ = {};  // looked at in every turn, told at most so often
  for (auto& [name, owner] : owners_) {
    if (!owner.online) continue;
    wire::Credits credits = room();
    Duration moved = credits.queue_delay > owner.told.queue_delay
                         ? credits.queue_delay - owner.told.queue_delay
                         : owner.told.queue_delay - credits.queue_delay;
    bool far = moved > std::max(owner.told.queue_delay / 5, Duration(std::chrono::milliseconds(5)));
    if (credits.offers == owner.told.offers && credits.workers == owner.told.workers &&
        credits.rate == owner.told.rate && !far) {
      continue;
    }
    owner.told = credits;
    parts_.send_ack(name, credits);
    next_credits_ = now() + kCreditsEvery;
  }
}

void Lessee::prune() {
  next_prune_ = now() + kPruneEvery;
  if (pruning_) return;
  pruning_ = true;
  parts_.ledger->prune(now() - kTombstoneAge, options_.tombstones, kPruneSlice,
                       [this](const Result<std::uint64_t>& removed) {
                         pruning_ = false;
                         if (removed && *removed == kPruneSlice) next_prune_ = now();
                         parts_.wake();
                       });
}

}  // namespace spillway::lessee
