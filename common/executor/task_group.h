#pragma once

#include <atomic>
#include <exception>
#include <stop_token>
#include <utility>

#include "common/executor/core.h"
#include "common/executor/executor.h"

namespace spillway::executor {

// The first exception of several threads. fail() by any thread; rethrow() once they are joined.
class FirstError {
 public:
  void set(std::exception_ptr error) {
    // relaxed: joining the thread that won makes the pointer visible.
    if (!failed_.exchange(true, std::memory_order_relaxed)) error_ = std::move(error);
  }
  bool failed() const { return failed_.load(std::memory_order_relaxed); }
  void rethrow() {
    failed_.store(false, std::memory_order_relaxed);
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
};

// Closures that are waited for together. spawn and cancel may be called from any thread, from
// inside the group's closures too; wait by one thread at a time. A worker that waits runs what was
// spawned, here or elsewhere, and lends its place when there is none; a thread from outside
// sleeps. Hold no lock across wait(): what runs meanwhile may want it.
class TaskGroup {
 public:
  explicit TaskGroup(Executor& executor) : executor_(executor) {}
  // Waits; an exception nobody waited for is dropped.
  ~TaskGroup() { join(); }
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // closure: `void()`. On a worker whose deque is full it runs at once, so that a wide group
  // takes no more memory than a deep one.
  template <class F>
  void spawn(F closure) {
    pending_.add();
    auto body = [this, closure = std::move(closure)](Outcome outcome) mutable {
      return finish(closure, outcome);
    };
    if (Worker* worker = Worker::of(executor_.core()); worker && worker->full()) {
      body(Outcome::ran);
    } else {
      executor_.post(std::move(body));
    }
  }

  // Until every closure has ended. Rethrows the first exception; the group can be used again.
  void wait() {
    join();
    error_.rethrow();
  }
  // What has not started will not; what runs sees it in stop().
  void cancel() { stop_.request_stop(); }
  std::stop_token stop() const { return stop_.get_token(); }

 private:
  template <class F>
  Outcome finish(F& closure, Outcome outcome) {
    if (outcome == Outcome::ran && stop_.stop_requested()) outcome = Outcome::cancelled;
    if (outcome == Outcome::ran) {
      try {
        closure();
      } catch (...) {
        error_.set(std::current_exception());
      }
    }
    pending_.done();  // the group may be gone from here on
    return outcome;
  }

  void join() {
    if (Worker* worker = Worker::of(executor_.core())) {
      worker->await(pending_);
    } else {
      pending_.sleep();
    }
  }

  Executor& executor_;
  Join pending_{0};
  std::stop_source stop_;
  FirstError error_;
};

}  // namespace spillway::executor
