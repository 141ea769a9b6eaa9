#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "common/executor/intake.h"
#include "common/executor/task.h"

namespace spillway::executor {

// What waits to be run, by band; earliest deadline first inside a band, in order of arrival
// otherwise. Producers push without a lock to the shard of their thread; workers take turns to
// carry batches away. Nodes it holds at the end are dropped by their owner, not by it.
class Injector {
 public:
  // Of the closures in a band, every 8th taken is one without a deadline; of all closures taken
  // while a band is passed over, every 64th is one of its own.
  static constexpr unsigned kPlainTurn = 8;
  static constexpr unsigned kAgeLimit = 64;

  Injector(unsigned shards, std::size_t capacity);

  enum class Pushed { yes, full, closed };
  // Any thread. Unbounded pushes are refused only when closed.
  Pushed push(Node* node, bool bounded);
  // Whoever pushed before is counted by accepted(), whoever comes later is refused; `reopened`
  // pushes of what was accepted before are not counted and not refused.
  void close() { closed_.store(true, std::memory_order_seq_cst); }
  void push_again(Node* node);

  // Any thread. The best band that has something, kBands if none has. seq_cst: the look that
  // follows park() must not come before it.
  unsigned best_band() const {
    const unsigned lists = lists_.load(std::memory_order_seq_cst);
    return static_cast<unsigned>(std::countr_zero(lists | 1U << (2 * kBands))) / 2;
  }

  // Any thread. Up to `count` nodes of one band not worse than `worst`, in the order to run them.
  std::size_t take(Node** out, std::size_t count, unsigned worst = kBands - 1);

  std::size_t size() const;
  std::uint64_t accepted() const;

 private:
  // A band has two lists: 2 * band with deadlines, 2 * band + 1 without.
  struct Shard {
    std::array<Intake<Node>, 2 * kBands> lists;
    alignas(64) std::atomic<std::uint64_t> pushed{0};
    std::atomic<std::uint64_t> again{0};  // of those pushed
    alignas(64) std::atomic<std::uint64_t> taken{0};
  };
  struct Timed {
    std::int64_t deadline;
    std::uint64_t order : 56;  // among equals
    std::uint64_t shard : 8;   // here, because the node is out of every cache by now
    Node* node;
    bool operator<(const Timed& other) const {
      return deadline != other.deadline ? deadline > other.deadline : order > other.order;
    }
  };
  // What arrived together, the earliest at the end. A heap of sorted runs costs a fraction of a
  // heap of nodes when much arrives at once, and is one when little does.
  using Run = std::vector<Timed>;
  struct RunBefore {
    bool operator()(const Run& a, const Run& b) const { return a.back() < b.back(); }
  };

  unsigned home() const;
  void link(Shard& shard, Node* node);
  unsigned choose(unsigned worst);
  void sort_in(unsigned band);
  void keep_spare(Run run);
  Node* next_plain(unsigned band);
  Node* next_timed(unsigned band);
  void settle(unsigned list);
  bool has(unsigned list) const;

  const std::size_t shard_capacity_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::atomic<bool> closed_{false};
  alignas(64) std::atomic<unsigned> lists_{0};  // bit per list: may have something

  alignas(64) std::mutex mutex_;  // of everything below, and of the consumers' end of the lists
  std::array<std::vector<Run>, kBands> timed_;  // heaps
  std::vector<Run> spare_;                      // empty runs, for their memory
  std::array<unsigned, kBands> age_{};          // closures taken while the band was passed over
  std::array<unsigned, kBands> plain_turn_{};   // closures with a deadline taken in a row
  std::uint64_t order_ = 0;
  std::size_t next_shard_ = 0;
};

}  // namespace spillway::executor
