#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>

namespace spillway::executor {

// std::atomic::wait has no timeout and spins first. Spurious returns are possible.
inline void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                       std::chrono::nanoseconds timeout = std::chrono::nanoseconds::zero()) {
  const timespec span{static_cast<time_t>(timeout.count() / 1'000'000'000),
                      static_cast<long>(timeout.count() % 1'000'000'000)};
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, timeout.count() ? &span : nullptr,
          nullptr, 0);
}

// Touches the address only as a key, so the word may be gone by the time it is called.
inline void futex_wake(const std::atomic<std::uint32_t>& word, int sleepers = 1) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, sleepers, nullptr, nullptr, 0);
}

// A count of what is still to finish, and one thread that may sleep until it is none.
class Join {
 public:
  explicit Join(std::uint32_t count) : state_(2 * count) {}

  void add() { state_.fetch_add(2, std::memory_order_relaxed); }  // no order: the adder holds it up
  // release: what was done is seen by who waited; acquire: the last one passes on what others did.
  // The owner may be gone once the count is zero, so nothing of this is read afterwards.
  void done() {
    if (state_.fetch_sub(2, std::memory_order_acq_rel) == 3) futex_wake(state_);
  }
  bool finished() const { return state_.load(std::memory_order_acquire) < 2; }

  // Until finished, or for about `timeout` if it is not zero.
  void sleep(std::chrono::nanoseconds timeout = std::chrono::nanoseconds::zero()) {
    for (std::uint32_t state; (state = state_.load(std::memory_order_acquire)) >= 2;) {
      if (!(state & 1) && !state_.compare_exchange_weak(state, state | 1)) continue;
      futex_wait(state_, state | 1, timeout);
      if (timeout.count()) break;
    }
    state_.fetch_and(~1U, std::memory_order_relaxed);  // changes nothing done() publishes
  }

 private:
  std::atomic<std::uint32_t> state_;  // twice the count, plus one while somebody sleeps
};

}  // namespace spillway::executor
