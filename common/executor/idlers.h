#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

namespace spillway::executor {

// Which workers sleep and which look for work, in one word, so that each decision is one atomic
// step. The word is what forbids lost wake-ups (P16):
//   who brings work:  make it visible; then claim() a sleeper, unless somebody is searching;
//   who finds none:   park(); then look once more, and unpark() itself if there is some.
// Every step here and the step that makes outside work visible are sequentially consistent, so of
// "the bringer sees the sleeper" and "the sleeper sees the work" at least one happens. A searcher
// counts as awake because leaving the search, by park() or stop(), is followed by another look.
template <template <class> class Atomic = std::atomic>
class Idlers {
 public:
  static constexpr unsigned kMax = 48;

  // True if the caller is now the one that searches.
  bool start() {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    return word < kSearcher &&
           word_.compare_exchange_strong(word, word + kSearcher, std::memory_order_seq_cst);
  }
  // Ends a search that found something; the caller then looks whether there is more for others.
  void stop() { word_.fetch_sub(kSearcher, std::memory_order_seq_cst); }

  void park(unsigned worker, bool searching) {
    word_.fetch_add(bit(worker) - (searching ? kSearcher : 0), std::memory_order_seq_cst);
  }
  // False if a claim came first; its wake signal is on the way.
  bool unpark(unsigned worker) {
    return word_.fetch_and(~bit(worker), std::memory_order_seq_cst) & bit(worker);
  }

  // Takes a sleeper out of `among` for the caller to wake, the highest, so that the same few stay
  // warm; -1 if none sleeps or somebody searches. The sleeper wakes as a searcher, so those who
  // bring more work meanwhile need not wake anybody; those in `plain` do not count as searchers.
  int claim(std::uint64_t among, std::uint64_t plain) {
    std::uint64_t word = word_.load(std::memory_order_seq_cst);
    for (;;) {
      const std::uint64_t sleepers = word & among & (kSearcher - 1);
      if (word >= kSearcher || !sleepers) return -1;
      const unsigned worker = 63U - static_cast<unsigned>(std::countl_zero(sleepers));
      const std::uint64_t next = word - bit(worker) + (plain & bit(worker) ? 0 : kSearcher);
      if (word_.compare_exchange_weak(word, next, std::memory_order_seq_cst)) {
        return static_cast<int>(worker);
      }
    }
  }

  // Whether claim() might find somebody: cheap enough for every fork.
  bool worth_claiming() const {
    const std::uint64_t word = word_.load(std::memory_order_seq_cst);
    return word != 0 && word < kSearcher;
  }
  unsigned parked() const {
    const std::uint64_t word = word_.load(std::memory_order_seq_cst);
    return static_cast<unsigned>(std::popcount(word & (kSearcher - 1)));
  }

  static constexpr std::uint64_t bit(unsigned worker) { return std::uint64_t{1} << worker; }

 private:
  static constexpr std::uint64_t kSearcher = std::uint64_t{1} << kMax;
  alignas(64) Atomic<std::uint64_t> word_{0};  // low kMax bits: parked; above: number searching
};

}  // namespace spillway::executor
