#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/executor/deadline_queue.h"
#include "common/executor/intake.h"
#include "common/executor/list_bits.h"
#include "common/executor/task.h"
#include "common/threads/mutex.h"

namespace spillway::executor {

// What waits to be run, by band; earliest deadline first inside a band, in order of arrival
// otherwise. Producers push without a lock to the shard of their thread; workers take turns to
// carry batches away. Nodes it holds at the end are dropped by their owner, not by it.
class Injector {
 public:
  // At most kPlainTurn closures of a band with a deadline are taken between two of it without.
  // While a band has something, at most kAgeLimit better closures are taken before one of its own,
  // counted over all calls that begin meanwhile and whose `worst` allows the band.
  static constexpr unsigned kPlainTurn = 8;
  static constexpr unsigned kAgeLimit = 64;
  // Closures of other bands that may go before the first of any: better ones, and of each worse
  // band one that was due already and one that falls due at the same time.
  static constexpr unsigned kLongestWait = kAgeLimit + 2 * (kBands - 1);

  Injector(unsigned shards, std::size_t capacity);

  enum class Pushed { yes, full, closed };
  // Any thread. Unbounded pushes are refused only when closed.
  Pushed push(Node* node, bool bounded);
  // Closures pushed before are counted by accepted(), later ones are refused. push_again() takes
  // what was accepted before: it is not counted again, and never refused.
  void close() { closed_.store(true, std::memory_order_seq_cst); }
  void push_again(Node* node);

  // Any thread. The best band that has something, kBands if none has.
  unsigned best_band() const {
    return static_cast<unsigned>(std::countr_zero(lists_.all() | 1U << (2 * kBands))) / 2;
  }

  // Any thread. Up to `count` nodes of bands not worse than `worst`, in the order to run them. None
  // while another thread takes some. What a producer has begun to push and not linked yet, and what
  // it hides from view meanwhile, counts as not there. `came` says that something came while a list
  // was found empty: one who parked may have overlooked it, and must be told.
  std::size_t take(Node** out, std::size_t count, unsigned worst = kBands - 1,
                   bool* came = nullptr);

  std::size_t size() const;
  std::uint64_t accepted() const;

 private:
  // A band has two lists: 2 * band with deadlines, 2 * band + 1 without. What has a deadline is
  // sorted anyway, so all bands of it arrive together.
  struct Shard {
    std::array<Intake<Node>, kBands> plain;
    Intake<Node> timed;
    Intake<Node>& intake(unsigned list) { return list % 2 ? plain[list / 2] : timed; }
    // Written by producers, who look at what consumers write only when the limit is reached.
    alignas(64) std::atomic<std::uint64_t> pushed{0};
    std::atomic<std::uint64_t> limit{0};  // of `pushed`, as far as known
    alignas(64) std::atomic<std::uint64_t> taken{0};
    std::atomic<std::uint64_t> again{0};  // of those pushed
  };

  unsigned home() const;
  void link(Shard& shard, Node* node);
  bool has_room(Shard& shard, std::uint64_t before) const;
  unsigned choose(unsigned bands) const REQUIRES(mutex_);
  std::size_t patience(unsigned bands) const REQUIRES(mutex_);
  std::size_t take_of(unsigned band, Node** out, std::size_t count) REQUIRES(mutex_);
  void publish_taken() REQUIRES(mutex_);
  void sort_in() REQUIRES(mutex_);
  Node* next_plain(unsigned band) REQUIRES(mutex_);
  Node* next_timed(unsigned band) REQUIRES(mutex_);
  bool settle(unsigned list) REQUIRES(mutex_);
  bool has_band(unsigned band) const { return lists_.has(2 * band) || lists_.has(2 * band + 1); }

  const std::size_t shard_capacity_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::atomic<bool> closed_{false};
  alignas(64) ListBits<> lists_;

  alignas(64) threads::Mutex mutex_;  // also of the consumers' end of the lists
  std::array<DeadlineQueue, kBands> timed_ GUARDED_BY(mutex_);
  // By shard: taken, but not yet published.
  std::vector<std::uint64_t> counts_ GUARDED_BY(mutex_);
  // By band: better closures taken since one of it was, closures with a deadline taken in a row.
  std::array<unsigned, kBands> age_ GUARDED_BY(mutex_){};
  std::array<unsigned, kBands> plain_turn_ GUARDED_BY(mutex_){};
  std::size_t next_shard_ GUARDED_BY(mutex_) = 0;
};

}  // namespace spillway::executor
