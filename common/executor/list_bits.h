#pragma once

#include <atomic>

namespace spillway::executor {

// Which lists may have something, a bit for each. Any thread fills a list and then marks it; one at
// a time empties lists and settles them. A list that has something is marked as soon as whoever
// filled it is done. Atomic is a parameter for the model checker.
template <template <class> class Atomic = std::atomic>
class ListBits {
 public:
  // seq_cst, here and in settle(), as is what fills a list and what tells that it is empty: here
  // the list is filled and then the bit looked at, there the bit is cleared and then the list
  // looked at. One of the two sees the other.
  void mark(unsigned list) {
    if (bits_.load(std::memory_order_seq_cst) & 1U << list) return;
    bits_.fetch_or(1U << list, std::memory_order_seq_cst);
  }

  // Clears the bit if the list is empty. True if something came meanwhile: it is marked again, but
  // may have been overlooked by one who parked, so whoever settles tells somebody.
  template <class Empty>
  bool settle(unsigned list, Empty&& empty) {
    if (!has(list) || !empty()) return false;
    bits_.fetch_and(~(1U << list), std::memory_order_seq_cst);
    if (empty()) return false;
    bits_.fetch_or(1U << list, std::memory_order_seq_cst);
    return true;
  }

  // relaxed: for those who settle, whose own stores it must see and no others.
  bool has(unsigned list) const { return bits_.load(std::memory_order_relaxed) & 1U << list; }
  // seq_cst: the look that follows park() must not come before it.
  unsigned all() const { return bits_.load(std::memory_order_seq_cst); }

 private:
  Atomic<unsigned> bits_{0};
};

}  // namespace spillway::executor
