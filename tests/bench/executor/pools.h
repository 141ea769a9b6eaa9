#pragma once

#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <asio/post.hpp>
#include <asio/thread_pool.hpp>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "common/executor/executor.h"
#include "common/executor/futex.h"

// The pools under comparison, each of two threads behind the same two calls: post() from outside
// and again() from inside a closure. All closures have ended when wait() returns and the counts
// the closures keep say so; the destructor joins.
namespace spillway::bench {

inline constexpr unsigned kThreads = 2;

class SpillwayPool {
 public:
  static constexpr const char* kName = "spillway";

  SpillwayPool() : SpillwayPool(executor::Options{}.capacity) {}
  explicit SpillwayPool(std::size_t capacity)
      : executor_({.workers = kThreads, .capacity = capacity}) {}

  template <class F>
  void post(F closure, const executor::SubmitOptions& options = {}) {
    while (!executor_.try_submit(closure, options).ok()) std::this_thread::yield();
  }
  template <class F>
  void again(F closure) {
    executor_.post(std::move(closure));
  }
  executor::Executor& get() { return executor_; }

 private:
  executor::Executor executor_;
};

class AsioPool {
 public:
  static constexpr const char* kName = "asio";

  ~AsioPool() { pool_.join(); }
  template <class F>
  void post(F closure) {
    asio::post(pool_, std::move(closure));
  }
  template <class F>
  void again(F closure) {
    asio::post(pool_, std::move(closure));
  }

 private:
  asio::thread_pool pool_{kThreads};
};

class TbbPool {
 public:
  static constexpr const char* kName = "onetbb";

  TbbPool() { arena_.initialize(); }
  template <class F>
  void post(F closure) {
    arena_.enqueue(std::move(closure));
  }
  template <class F>
  void again(F closure) {
    arena_.enqueue(std::move(closure));
  }
  tbb::task_arena& get() { return arena_; }

 private:
  // The library counts the thread that calls it: one more gives two of its own.
  tbb::global_control control_{tbb::global_control::max_allowed_parallelism, kThreads + 1};
  tbb::task_arena arena_{kThreads, 0};
};

// No pool: one thread that sleeps on a word and takes one closure at a time from one slot. What is
// left of a wake-up when nothing has to be found or shared.
class BareFutex {
 public:
  ~BareFutex() {
    post(nullptr);
    thread_.join();
  }
  void post(std::function<void()> closure) {
    while (word_.load(std::memory_order_acquire)) std::this_thread::yield();
    closure_ = std::move(closure);
    word_.store(1, std::memory_order_release);
    executor::futex_wake(word_);
  }

 private:
  void loop() {
    for (;;) {
      while (!word_.load(std::memory_order_acquire)) executor::futex_wait(word_, 0);
      const auto closure = std::move(closure_);
      word_.store(0, std::memory_order_release);
      if (!closure) return;
      closure();
    }
  }

  std::function<void()> closure_;
  std::atomic<std::uint32_t> word_{0};
  std::thread thread_{[this] { loop(); }};
};

// What people write first.
class MutexPool {
 public:
  static constexpr const char* kName = "mutex deque";

  MutexPool() {
    for (unsigned i = 0; i < kThreads; ++i) {
      threads_.emplace_back([this] { loop(); });
    }
  }
  ~MutexPool() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    work_.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  template <class F>
  void post(F closure) {
    {
      std::lock_guard lock(mutex_);
      queue_.emplace_back(std::move(closure));
    }
    work_.notify_one();
  }
  template <class F>
  void again(F closure) {
    post(std::move(closure));
  }

 private:
  void loop() {
    std::unique_lock lock(mutex_);
    for (;;) {
      work_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      std::function<void()> closure = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      closure();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace spillway::bench
