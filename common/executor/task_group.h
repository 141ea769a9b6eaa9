#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <stop_token>

#include "common/executor/executor.h"

namespace spillway::executor {

// Closures that are waited for together. spawn and cancel may be called from any thread, from
// inside the group's closures too; wait by one thread at a time. A worker that waits runs other
// work meanwhile; a thread from outside sleeps.
class TaskGroup {
 public:
  explicit TaskGroup(Executor& executor) : executor_(executor) {}
  ~TaskGroup();  // waits; an exception nobody asked for is dropped

  template <class F>
  void spawn(F closure) {
    begin();
    executor_.post([this, closure = std::move(closure)](Outcome outcome) mutable {
      if (outcome == Outcome::ran && !stop_.stop_requested()) {
        try {
          closure();
        } catch (...) {
          failed(std::current_exception());
        }
      }
      end();
    });
  }

  // Until every closure ended. Rethrows the first exception; the group may be used again.
  void wait();
  // Closures that did not start will not; those that run see it in stop().
  void cancel() { stop_.request_stop(); }
  std::stop_token stop() const { return stop_.get_token(); }

 private:
  void begin();
  void end();
  void failed(std::exception_ptr error);

  Executor& executor_;
  std::atomic<std::uint32_t> pending_{0};
  std::stop_source stop_;
  std::mutex mutex_;
  std::exception_ptr error_;
};

}  // namespace spillway::executor
