#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>

#include "common/executor/injector.h"
#include "common/executor/telemetry.h"

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
  mutable std::mutex mutex_;
  std::condition_variable work_, ended_all_;
  std::size_t threads_ = 0, idle_ = 0;
  bool discarding_ = false, stopping_ = false;
  ShutdownReport counts_;
};

}  // namespace spillway::executor
