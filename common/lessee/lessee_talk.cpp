#include <algorithm>

#include "common/lessee/lessee.h"

namespace spillway::lessee {
namespace {

constexpr Duration kBeatEvery = std::chrono::seconds(10);  // a third of the default lease
constexpr Duration kLateBeats = std::chrono::milliseconds(100);
constexpr Duration kPruneEvery = std::chrono::seconds(10);
constexpr Duration kCreditsEvery = std::chrono::milliseconds(50);
constexpr Duration kTombstoneAge = std::chrono::hours(24);
constexpr std::size_t kPruneSlice = 1024;
constexpr std::uint32_t kOwnersTold = 100;  // in kCreditsEvery
constexpr Duration kDelayThatMatters = std::chrono::milliseconds(5);

template <class Value>
bool moved(Value now, Value told, Value least) {
  const Value by = now > told ? now - told : told - now;
  return by > std::max(Value(told / 5), least);
}

bool differ(const wire::Credits& now, const wire::Credits& told) {
  return moved(now.offers, told.offers, 0U) || now.workers != told.workers ||
         moved<std::uint64_t>(now.rate, told.rate, 0) ||
         moved(now.queue_delay, told.queue_delay, kDelayThatMatters);
}

}  // namespace

void Lessee::beat() {
  next_beat_ = now() + kBeatEvery;
  late_beats_ = kNever;
  if (!parts_.up()) return;
  beat_sent_[++beat_round_] = now();
  while (beat_sent_.size() > 8) beat_sent_.erase(beat_sent_.begin());
  beat_again();
}

// Of this round, those for which there was no room.
void Lessee::beat_again() {
  late_beats_ = kNever;
  if (!parts_.up()) return;
  for (auto& [id, task] : tasks_) {
    bool speaks = task.held() || task.state.state == lifecycle::LeaseState::done;
    if (!speaks || task.unsaved > 0 || task.beaten == beat_round_) continue;
    if (!owners_.at(task.owner).online) continue;
    wire::Beat beat{task.offered, task.state.epoch, task.state.state, beat_round_};
    if (parts_.send_ack(task.owner, beat)) {
      task.beaten = beat_round_;
    } else {
      late_beats_ = now() + kLateBeats;
    }
  }
}

Duration Lessee::queue_delay() const {
  double seconds = double(queued()) * mean_run_ / std::max(1U, parts_.runner->width());
  return Duration(std::int64_t(seconds * 1e6));
}

// Room is shared evenly among the owners that are there; each may hold its share at once.
wire::Credits Lessee::room() const {
  const std::uint32_t sharers = std::max(1U, online_);
  wire::Credits credits;
  credits.offers = draining_ ? 0 : std::max(1U, options_.max_queue / sharers);
  credits.queue_delay = queue_delay();
  credits.workers = parts_.runner->width();
  credits.memory = options_.memory;
  credits.rate = options_.uplink == 0 ? 0 : std::max<std::uint64_t>(options_.uplink / sharers, 1);
  return credits;
}

// Tells newcomers what all know, and all what moved by more than a fifth: the less often the more
// of them there are, so that ten thousand that come one by one cost a few messages each.
void Lessee::tell_credits() {
  if (!parts_.up()) return;
  const wire::Credits credits = room();
  const bool all = now() >= next_credits_ && differ(credits, told_);
  if (all) {
    told_ = credits;
    next_credits_ = now() + kCreditsEvery * (1 + online_ / kOwnersTold);
    for (Owner* owner : std::exchange(newcomers_, {})) owner->untold = false;
    for (auto& [name, owner] : owners_) tell_credits(owner);
  } else {
    for (Owner* owner : std::exchange(newcomers_, {})) {
      owner->untold = false;
      tell_credits(*owner);
    }
  }
}

void Lessee::tell_credits(Owner& owner) {
  if (!owner.online || parts_.send_ack(owner.name, told_)) return;
  owner.untold = true;
  newcomers_.push_back(&owner);
}

// Memory forgets the tombstones that the ledger forgot.
void Lessee::prune() {
  next_prune_ = now() + kPruneEvery;
  if (pruning_) return;
  pruning_ = true;
  parts_.ledger->prune(now() - kTombstoneAge, options_.tombstones, kPruneSlice,
                       [this](const Result<std::vector<TaskId>>& removed) {
                         pruning_ = false;
                         parts_.wake();
                         if (!removed) return;
                         if (removed->size() == kPruneSlice) next_prune_ = now();
                         for (TaskId id : *removed) {
                           HeldTask* task = find(id);
                           const bool over = task && task->unsaved == 0 &&
                                             task->state.state == lifecycle::LeaseState::answered;
                           if (over) forget(*task);
                         }
                       });
}

}  // namespace spillway::lessee
