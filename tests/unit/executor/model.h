#pragma once

#include <ucontext.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

// A model checker for a few threads over a few atomics. It runs every interleaving of their atomic
// operations, and lets plain and release stores linger in a store buffer until the thread's next
// sequentially consistent store or exchange, or any moment before: what x86 does, and the part of
// weak memory that sleeping, waking and stealing trip over.
namespace model {

class Checker;
inline Checker* checker = nullptr;

class Checker {
 public:
  using Threads = std::vector<std::function<void()>>;

  // `make` builds a fresh scenario and returns its threads; `check` looks at the end of each run.
  // Runs all schedules, up to `limit`; false as soon as check() is false. `schedules` tells how
  // many there were.
  bool explore(const std::function<Threads()>& make, const std::function<bool()>& check,
               std::size_t limit = 3'000'000) {
    checker = this;
    path_.clear();
    bool right = true;
    for (schedules = 0; schedules < limit && right; ++schedules) {
      run(make());
      right = check();
      while (!path_.empty() && path_.back().taken + 1 == path_.back().options) path_.pop_back();
      if (path_.empty()) break;
      ++path_.back().taken;
    }
    complete = schedules < limit;
    checker = nullptr;
    return right;
  }
  std::size_t schedules = 0;
  bool complete = false;

  // Called by the atomics, before each operation that others can notice.
  void step() {
    if (running_) swapcontext(&fibers_[current_]->context, &scheduler_);
  }
  void buffer(std::function<void()> store) {
    if (running_) {
      fibers_[current_]->stores.push_back(std::move(store));
    } else {
      store();
    }
  }
  void drain() {
    if (!running_) return;
    auto& stores = fibers_[current_]->stores;
    for (; !stores.empty(); stores.pop_front()) stores.front()();
  }
  bool running() const { return running_; }
  std::size_t current() const { return current_; }

 private:
  struct Fiber {
    ucontext_t context{};
    std::vector<char> stack = std::vector<char>(64 * 1024);
    std::function<void()> body;
    std::deque<std::function<void()>> stores;
    bool done = false;
  };
  struct Choice {
    std::size_t taken, options;
  };

  static void enter() {
    Checker& self = *checker;
    Fiber& fiber = *self.fibers_[self.current_];
    fiber.body();
    fiber.done = true;
    swapcontext(&fiber.context, &self.scheduler_);
  }

  // A move is to run a thread up to its next operation, or to let its oldest store out.
  void run(Threads threads) {
    while (fibers_.size() < threads.size()) fibers_.push_back(std::make_unique<Fiber>());
    for (std::size_t i = 0; i < threads.size(); ++i) {
      Fiber& fiber = *fibers_[i];
      fiber.body = std::move(threads[i]);
      fiber.done = false;
      getcontext(&fiber.context);
      fiber.context.uc_stack.ss_sp = fiber.stack.data();
      fiber.context.uc_stack.ss_size = fiber.stack.size();
      fiber.context.uc_link = nullptr;
      makecontext(&fiber.context, &enter, 0);
    }
    running_ = true;
    std::size_t depth = 0;
    for (;;) {
      std::vector<std::pair<std::size_t, bool>> moves;
      for (std::size_t i = 0; i < threads.size(); ++i) {
        if (!fibers_[i]->done) moves.emplace_back(i, false);
        if (!fibers_[i]->stores.empty()) moves.emplace_back(i, true);
      }
      if (moves.empty()) break;
      if (depth == path_.size()) path_.push_back({0, moves.size()});
      const auto [thread, store] = moves[path_[depth++].taken];
      current_ = thread;
      if (store) {
        fibers_[thread]->stores.front()();
        fibers_[thread]->stores.pop_front();
      } else {
        swapcontext(&scheduler_, &fibers_[thread]->context);
      }
    }
    running_ = false;
  }

  ucontext_t scheduler_{};
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Choice> path_;
  std::size_t current_ = 0;
  bool running_ = false;
};

// std::atomic under the checker. kWeak turns sequentially consistent stores into release stores:
// a checker that finds nothing wrong with that would not be worth its name.
template <class T, bool kWeak = false>
class BasicAtomic {
 public:
  BasicAtomic() : BasicAtomic(T{}) {}
  BasicAtomic(T value) : value_(value) {}

  T load(std::memory_order) const {
    checker->step();
    if (checker->running()) {
      for (auto at = pending_.rbegin(); at != pending_.rend(); ++at) {
        if (at->first == checker->current()) return at->second;  // a thread sees its own stores
      }
    }
    return value_;
  }
  // Others notice only the moment it leaves the buffer, so that is where they may come between.
  void store(T value, std::memory_order order) {
    const bool at_once = order == std::memory_order_seq_cst && !kWeak;
    if (at_once) checker->step();
    if (checker->running()) pending_.emplace_back(checker->current(), value);
    checker->buffer([this, thread = checker->current(), value] {
      for (auto at = pending_.begin(); at != pending_.end(); ++at) {
        if (at->first != thread) continue;
        pending_.erase(at);
        break;
      }
      value_ = value;
    });
    if (at_once) checker->drain();
  }
  T exchange(T value, std::memory_order) {
    lock();
    return std::exchange(value_, value);
  }
  T fetch_add(T value, std::memory_order) {
    lock();
    return std::exchange(value_, static_cast<T>(value_ + value));
  }
  T fetch_sub(T value, std::memory_order) {
    lock();
    return std::exchange(value_, static_cast<T>(value_ - value));
  }
  T fetch_and(T value, std::memory_order) {
    lock();
    return std::exchange(value_, static_cast<T>(value_ & value));
  }
  T fetch_or(T value, std::memory_order) {
    lock();
    return std::exchange(value_, static_cast<T>(value_ | value));
  }
  bool compare_exchange_strong(T& expected, T value, std::memory_order,
                               std::memory_order = std::memory_order_relaxed) {
    lock();
    if (value_ != expected) {
      expected = value_;
      return false;
    }
    value_ = value;
    return true;
  }
  bool compare_exchange_weak(T& expected, T value, std::memory_order order) {
    return compare_exchange_strong(expected, value, order);
  }

 private:
  void lock() {
    checker->step();
    checker->drain();
  }
  T value_;
  std::vector<std::pair<std::size_t, T>> pending_;  // by thread, oldest first
};

template <class T>
class Atomic : public BasicAtomic<T> {
 public:
  using BasicAtomic<T>::BasicAtomic;
};
template <class T>
class WeakAtomic : public BasicAtomic<T, true> {
 public:
  using BasicAtomic<T, true>::BasicAtomic;
};

}  // namespace model
