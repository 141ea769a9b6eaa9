#pragma once

#include <chrono>
#include <cstddef>

#include "common/executor/injector.h"
#include "common/executor/telemetry.h"
#include "common/threads/mutex.h"

namespace spillway::executor {

// Threads for closures that wait more than they compute: as many as there is work for, up to a
// limit; idle ones end. Any thread may call.
class BlockingPool {
 public:
  BlockingPool(unsigned limit, std::size_t capacity, std::chrono::milliseconds idle);
  ~BlockingPool();  // waits for its threads; close() and an empty queue come first

  Injector::Pushed push(Node* node);
  void close() { queue_.close(); }
  void discard();  // from now on closures are told `dropped` in place of being run

  unsigned limit() const { return limit_; }
  std::size_t threads() const;
  std::size_t waiting() const { return queue_.size(); }
  std::uint64_t accepted() const { return queue_.accepted(); }
  std::uint64_t ended() const;
  void add_to(ShutdownReport& report) const;

 private:
  void loop();

  const unsigned limit_;
  const std::chrono::milliseconds idle_after_;
  Injector queue_;
  mutable threads::Mutex mutex_;
  threads::Condition work_, ended_all_;
  std::size_t threads_ GUARDED_BY(mutex_) = 0;
  std::size_t idle_ GUARDED_BY(mutex_) = 0;
  bool discarding_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  ShutdownReport counts_ GUARDED_BY(mutex_);
};

}  // namespace spillway::executor
