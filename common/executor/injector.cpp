#include "common/executor/injector.h"

#include <algorithm>

namespace spillway::executor {

Injector::Injector(unsigned shards, std::size_t capacity)
    : shard_capacity_(std::max<std::size_t>(1, (capacity + shards - 1) / shards)) {
  for (unsigned i = 0; i < shards; ++i) shards_.push_back(std::make_unique<Shard>());
}

unsigned Injector::home() const {
  static std::atomic<unsigned> threads{0};
  thread_local const unsigned thread = threads.fetch_add(1, std::memory_order_relaxed);
  return thread % static_cast<unsigned>(shards_.size());
}

void Injector::link(Shard& shard, Node* node) {
  const unsigned list =
      2U * static_cast<unsigned>(node->band) + (node->deadline == kNoDeadline ? 1U : 0U);
  shard.lists[list].push(node);
  // seq_cst: settle() clears the bit and then looks at the list; here the list is filled and then
  // the bit looked at. One of the two sees the other.
  if (!(lists_.load(std::memory_order_seq_cst) & 1U << list)) {
    lists_.fetch_or(1U << list, std::memory_order_seq_cst);
  }
}

Injector::Pushed Injector::push(Node* node, bool bounded) {
  const auto shards = static_cast<unsigned>(shards_.size());
  for (unsigned tried = 0, at = home(); tried < shards; ++tried, at = (at + 1) % shards) {
    Shard& shard = *shards_[at];
    // seq_cst against close(): whoever counted before it is waited for, whoever counts later sees
    // it.
    const std::uint64_t before = shard.pushed.fetch_add(1, std::memory_order_seq_cst);
    const bool closed = closed_.load(std::memory_order_seq_cst);
    // relaxed: a stale count of those taken only refuses too early.
    const bool room =
        !bounded || before - shard.taken.load(std::memory_order_relaxed) < shard_capacity_;
    if (room && !closed) {
      node->shard = at & 0x7F;
      link(shard, node);
      return Pushed::yes;
    }
    shard.pushed.fetch_sub(1, std::memory_order_seq_cst);
    if (closed) return Pushed::closed;
  }
  return Pushed::full;
}

void Injector::push_again(Node* node) {
  const unsigned at = home();
  // In this order, see accepted().
  shards_[at]->pushed.fetch_add(1, std::memory_order_seq_cst);
  shards_[at]->again.fetch_add(1, std::memory_order_seq_cst);
  node->shard = at & 0x7F;
  link(*shards_[at], node);
}

std::size_t Injector::take(Node** out, std::size_t count, unsigned worst) {
  std::lock_guard lock(mutex_);
  const unsigned band = choose(worst);
  if (band == kBands) return 0;
  age_[band] = 0;
  next_shard_ = (next_shard_ + 1) % shards_.size();  // no producer is served to the end first
  sort_in(band);
  std::size_t taken = 0;
  while (taken < count) {
    const bool plain_first = plain_turn_[band] >= kPlainTurn;
    Node* node = plain_first ? next_plain(band) : next_timed(band);
    if (!node) node = plain_first ? next_timed(band) : next_plain(band);
    if (!node) break;
    out[taken++] = node;
  }
  settle(2 * band);
  settle(2 * band + 1);
  for (unsigned other = band + 1; other < kBands; ++other) {
    if (has(2 * other) || has(2 * other + 1)) age_[other] += static_cast<unsigned>(taken);
  }
  return taken;
}

// The best band that has something, unless a worse one has been passed over for too long.
unsigned Injector::choose(unsigned worst) {
  const unsigned best = best_band();
  if (best > worst) return kBands;
  for (unsigned band = best + 1; band <= worst; ++band) {
    if (age_[band] >= kAgeLimit && (has(2 * band) || has(2 * band + 1))) return band;
  }
  return best;
}

// Whether the list's bit is set; only those who hold the lock clear it.
bool Injector::has(unsigned list) const {
  return lists_.load(std::memory_order_relaxed) & 1U << list;
}

// Moves what has arrived with a deadline to where it is sorted.
void Injector::sort_in(unsigned band) {
  if (!has(2 * band)) return;
  Run run;
  if (!spare_.empty()) {
    run = std::move(spare_.back());
    spare_.pop_back();
  }
  for (auto& shard : shards_) {
    while (Node* node = shard->lists[2 * band].pop()) {
      run.push_back({node->deadline, order_++ & (~std::uint64_t{0} >> 8), node->shard, node});
    }
  }
  if (run.empty()) return keep_spare(std::move(run));
  std::sort(run.begin(), run.end());
  timed_[band].push_back(std::move(run));
  std::push_heap(timed_[band].begin(), timed_[band].end(), RunBefore{});
}

void Injector::keep_spare(Run run) {
  constexpr std::size_t kSpare = 8, kSpareCapacity = 1024;
  if (spare_.size() < kSpare && run.capacity() <= kSpareCapacity) spare_.push_back(std::move(run));
}

Node* Injector::next_timed(unsigned band) {
  std::vector<Run>& runs = timed_[band];
  if (runs.empty()) return nullptr;
  std::pop_heap(runs.begin(), runs.end(), RunBefore{});
  const Timed earliest = runs.back().back();
  runs.back().pop_back();
  if (runs.back().empty()) {
    keep_spare(std::move(runs.back()));
    runs.pop_back();
  } else {
    std::push_heap(runs.begin(), runs.end(), RunBefore{});
  }
  ++plain_turn_[band];
  std::atomic<std::uint64_t>& taken = shards_[earliest.shard]->taken;
  taken.store(taken.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  return earliest.node;
}

Node* Injector::next_plain(unsigned band) {
  if (!has(2 * band + 1)) return nullptr;
  for (std::size_t tried = 0; tried < shards_.size(); ++tried) {
    Shard& shard = *shards_[next_shard_];
    if (Node* node = shard.lists[2 * band + 1].pop()) {
      plain_turn_[band] = 0;
      shard.taken.store(shard.taken.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      return node;
    }
    next_shard_ = (next_shard_ + 1) % shards_.size();
  }
  return nullptr;
}

// Clears the list's bit if it is empty. A node whose pusher is between its steps keeps it set.
void Injector::settle(unsigned list) {
  if (!has(list) || (list % 2 == 0 && !timed_[list / 2].empty())) return;
  auto empty = [&] {
    return std::all_of(shards_.begin(), shards_.end(),
                       [&](const auto& shard) { return shard->lists[list].empty(); });
  };
  if (!empty()) return;
  lists_.fetch_and(~(1U << list), std::memory_order_seq_cst);
  if (!empty()) lists_.fetch_or(1U << list, std::memory_order_seq_cst);
}

std::size_t Injector::size() const {
  std::uint64_t size = 0;
  for (const auto& shard : shards_) {
    const std::uint64_t taken = shard->taken.load(std::memory_order_relaxed);
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
