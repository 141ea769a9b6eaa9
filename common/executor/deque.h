#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace spillway::executor {

// A bounded Chase–Lev deque, after Lê, Pop, Cohen and Zappa Nardelli (PPoPP'13), with sequentially
// consistent accesses where they have fences. One owner pushes and pops at the bottom; any thread
// steals at the top. T is a word whose zero means nothing. Atomic is a parameter so that a model
// checker can put its own in.
template <class T, std::size_t kCapacity, template <class> class Atomic = std::atomic>
class Deque {
  static_assert((kCapacity & (kCapacity - 1)) == 0);

 public:
  // Owner. False when full.
  bool push(T item) {
    const std::int64_t bottom = bottom_.load(std::memory_order_relaxed);  // only we write it
    // acquire: a thief has read the slot we are about to reuse before it moved top past it.
    if (bottom - top_.load(std::memory_order_acquire) >= kSize) return false;
    slot(bottom).store(item, std::memory_order_relaxed);
    // release: a thief that sees the new bottom sees the slot and what the item points to.
    bottom_.store(bottom + 1, std::memory_order_release);
    return true;
  }

  // Owner. The newest item, or zero.
  T pop() {
    const std::int64_t bottom = bottom_.load(std::memory_order_relaxed) - 1;
    // top only grows, so a stale one that says empty is right.
    if (top_.load(std::memory_order_relaxed) > bottom) return T{};
    // seq_cst, both: either the thief's read of bottom sees this store, or we see its new top;
    // were neither so, both would take the last item.
    bottom_.store(bottom, std::memory_order_seq_cst);
    std::int64_t top = top_.load(std::memory_order_seq_cst);
    if (top < bottom) return slot(bottom).load(std::memory_order_relaxed);
    T item{};
    if (top == bottom && top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst,
                                                      std::memory_order_relaxed)) {
      item = slot(bottom).load(std::memory_order_relaxed);
    }
    // relaxed: a thief that sees it finds top here too, or fails its exchange.
    bottom_.store(bottom + 1, std::memory_order_relaxed);
    return item;
  }

  // Any thread. The oldest item if `wanted(item)`; zero when empty, unwanted or lost to another.
  template <class Wanted>
  T steal(Wanted&& wanted) {
    // seq_cst, both: see pop(). It includes the acquire that makes the slot visible.
    std::int64_t top = top_.load(std::memory_order_seq_cst);
    if (top >= bottom_.load(std::memory_order_seq_cst)) return T{};
    // The slot may be reused under us; then top has moved and the exchange fails.
    const T item = slot(top).load(std::memory_order_relaxed);
    if (!wanted(item)) return T{};
    if (!top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst,
                                      std::memory_order_relaxed)) {
      return T{};
    }
    return item;
  }
  T steal() {
    return steal([](T) { return true; });
  }

  // Hints, exact only for the owner of an undisturbed deque.
  std::size_t size() const {
    const std::int64_t size =
        bottom_.load(std::memory_order_seq_cst) - top_.load(std::memory_order_seq_cst);
    return size > 0 ? static_cast<std::size_t>(size) : 0;
  }
  T newest() const {
    const std::int64_t bottom = bottom_.load(std::memory_order_relaxed);
    if (top_.load(std::memory_order_relaxed) >= bottom) return T{};
    return slot(bottom - 1).load(std::memory_order_relaxed);
  }
  T oldest() const {
    const std::int64_t top = top_.load(std::memory_order_seq_cst);
    if (top >= bottom_.load(std::memory_order_seq_cst)) return T{};
    return slot(top).load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::int64_t kSize = kCapacity;
  Atomic<T>& slot(std::int64_t i) { return slots_[static_cast<std::size_t>(i) % kCapacity]; }
  const Atomic<T>& slot(std::int64_t i) const {
    return slots_[static_cast<std::size_t>(i) % kCapacity];
  }

  // Thieves write top, the owner writes bottom: apart, so that neither slows the other.
  alignas(64) Atomic<std::int64_t> top_{0};
  alignas(64) Atomic<std::int64_t> bottom_{0};
  alignas(64) std::array<Atomic<T>, kCapacity> slots_{};
};

}  // namespace spillway::executor
