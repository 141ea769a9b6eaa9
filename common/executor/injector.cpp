#include "common/executor/injector.h"

#include <algorithm>
#include <utility>

namespace spillway::executor {
Injector::Injector(unsigned shards, std::size_t capacity)
    : shard_capacity_(std::max<std::size_t>(1, (capacity + shards - 1) / shards)) {
  for (unsigned i = 0; i < shards; ++i) shards_.push_back(std::make_unique<Shard>());
  counts_.resize(shards);
}

unsigned Injector::home() const {
  static constinit std::atomic<unsigned> threads{0};
  static constinit thread_local unsigned thread = 0;
  if (!thread) thread = threads.fetch_add(1, std::memory_order_relaxed) + 1;
  return thread % static_cast<unsigned>(shards_.size());
}

void Injector::link(Shard& shard, Node* node) {
  const unsigned list =
      2U * static_cast<unsigned>(node->band) + (node->deadline == kNoDeadline ? 1U : 0U);
  shard.intake(list).push(node);
  lists_.mark(list);
}

Injector::Pushed Injector::push(Node* node, bool bounded) {
  const auto shards = static_cast<unsigned>(shards_.size());
  for (unsigned tried = 0, at = home(); tried < shards; ++tried, at = (at + 1) % shards) {
    Shard& shard = *shards_[at];
    // seq_cst against close(): whoever counted before it is waited for, whoever counts later sees
    // it.
    const std::uint64_t before = shard.pushed.fetch_add(1, std::memory_order_seq_cst);
    const bool closed = closed_.load(std::memory_order_seq_cst);
    if (!closed && (!bounded || has_room(shard, before))) {
      node->shard = at & 0x7F;
      link(shard, node);
      return Pushed::yes;
    }
    shard.pushed.fetch_sub(1, std::memory_order_seq_cst);
    if (closed) return Pushed::closed;
  }
  return Pushed::full;
}

// relaxed: what is stale refuses too early, at most.
bool Injector::has_room(Shard& shard, std::uint64_t before) const {
  if (before < shard.limit.load(std::memory_order_relaxed)) return true;
  const std::uint64_t limit = shard.taken.load(std::memory_order_relaxed) + shard_capacity_;
  shard.limit.store(limit, std::memory_order_relaxed);
  return before < limit;
}

void Injector::push_again(Node* node) {
  const unsigned at = home();
  // In this order, see accepted().
  shards_[at]->pushed.fetch_add(1, std::memory_order_seq_cst);
  shards_[at]->again.fetch_add(1, std::memory_order_seq_cst);
  node->shard = at & 0x7F;
  link(*shards_[at], node);
}

std::size_t Injector::take(Node** out, std::size_t count, unsigned worst, bool* came) {
  // The worker that has the lock offers what it takes to the others, so there is nothing to wait
  // for.
  if (!mutex_.try_lock()) return 0;
  threads::Lock lock(mutex_, std::adopt_lock);
  next_shard_ = (next_shard_ + 1) % shards_.size();  // no producer is served to the end first
  sort_in();
  unsigned bands = 0;  // bit per band that is allowed and may have something
  for (unsigned band = 0; band <= worst; ++band) bands |= has_band(band) ? 1U << band : 0U;
  std::size_t taken = 0;
  while (taken < count && bands) {
    const unsigned band = choose(bands), worse = bands & ~((2U << band) - 1);
    const std::size_t turn = age_[band] >= kAgeLimit ? 1 : patience(worse);
    const std::size_t most = std::min(count - taken, turn);
    const std::size_t got = take_of(band, out + taken, most);
    if (got < most) bands &= ~(1U << band);
    age_[band] = 0;
    for (unsigned other = band + 1; other < kBands; ++other) {
      if (worse & 1U << other) age_[other] += static_cast<unsigned>(got);
    }
    taken += got;
  }
  // Under load a list that is empty will not be so for long; at other times a bit that says more
  // than there is would wake somebody in vain.
  constexpr std::size_t kFew = 4;
  if (taken < kFew) {
    for (unsigned list = 0; list < 2 * kBands; ++list) {
      if (settle(list) && came) *came = true;
    }
  }
  publish_taken();
  return taken;
}

// The worst of those that have been passed over as often as they may be, so that serving one makes
// no other wait beyond its limit; else the best.
unsigned Injector::choose(unsigned bands) const {
  for (unsigned band = kBands; band-- > 0;) {
    if (bands & 1U << band && age_[band] >= kAgeLimit) return band;
  }
  return static_cast<unsigned>(std::countr_zero(bands));
}

// How many better closures all of these bands can still wait for; at least one if none is chosen.
std::size_t Injector::patience(unsigned bands) const {
  unsigned oldest = 0;
  for (unsigned band = 0; band < kBands; ++band) {
    if (bands & 1U << band) oldest = std::max(oldest, age_[band]);
  }
  return kAgeLimit - oldest;
}

// Fewer than `count` only if there are no more, or if a pusher is between its steps.
std::size_t Injector::take_of(unsigned band, Node** out, std::size_t count) {
  std::size_t taken = 0;
  for (; taken < count; ++taken) {
    const bool plain_first = plain_turn_[band] >= kPlainTurn;
    Node* node = plain_first ? next_plain(band) : next_timed(band);
    if (!node) node = plain_first ? next_timed(band) : next_plain(band);
    if (!node) break;
    prefetch_node(node);  // its turn comes after those before it
    out[taken] = node;
  }
  return taken;
}

void Injector::publish_taken() {
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (!counts_[i]) continue;
    std::atomic<std::uint64_t>& taken = shards_[i]->taken;
    taken.store(taken.load(std::memory_order_relaxed) + std::exchange(counts_[i], 0),
                std::memory_order_release);
  }
}

// Moves what has arrived with a deadline to where it is sorted.
void Injector::sort_in() {
  constexpr unsigned kTimed = 0b01010101;
  if (!(lists_.all() & kTimed)) return;
  for (auto& shard : shards_) {
    while (Node* node = shard->timed.pop()) {
      // One producer's nodes lie in a row, and each was last written by another core.
      __builtin_prefetch(reinterpret_cast<std::byte*>(node) + 4 * kSmallNode);
      timed_[static_cast<std::size_t>(node->band)].push(node->deadline, node->shard, node);
    }
  }
}

Node* Injector::next_timed(unsigned band) {
  if (timed_[band].empty()) return nullptr;
  const DeadlineQueue::Item earliest = timed_[band].pop();
  ++plain_turn_[band];
  ++counts_[earliest.shard];
  return earliest.node;
}

Node* Injector::next_plain(unsigned band) {
  if (!lists_.has(2 * band + 1)) return nullptr;
  for (std::size_t tried = 0; tried < shards_.size(); ++tried) {
    if (Node* node = shards_[next_shard_]->plain[band].pop()) {
      plain_turn_[band] = 0;
      ++counts_[next_shard_];
      return node;
    }
    next_shard_ = (next_shard_ + 1) % shards_.size();
  }
  return nullptr;
}

// A node whose pusher is between its steps keeps its list's bit set.
bool Injector::settle(unsigned list) {
  const DeadlineQueue& timed = timed_[list / 2];
  return lists_.settle(list, [&] {
    return (list % 2 || timed.empty()) &&
           std::all_of(shards_.begin(), shards_.end(),
                       [&](const auto& shard) { return shard->intake(list).empty(); });
  });
}

std::size_t Injector::size() const {
  std::uint64_t size = 0;
  for (const auto& shard : shards_) {
    // acquire, with the release in publish_taken(): what was taken is seen to have been pushed, so
    // that the difference does not fall below zero.
    const std::uint64_t taken = shard->taken.load(std::memory_order_acquire);
    size += shard->pushed.load(std::memory_order_relaxed) - taken;
  }
  return static_cast<std::size_t>(size);
}

std::uint64_t Injector::accepted() const {
  std::uint64_t accepted = 0;
  for (const auto& shard : shards_) {
    // The reverse order of push_again(), so that the difference never falls short.
    accepted -= shard->again.load(std::memory_order_seq_cst);
    accepted += shard->pushed.load(std::memory_order_seq_cst);
  }
  return accepted;
}

}  // namespace spillway::executor
