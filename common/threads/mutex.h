#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "common/threads/annotations.h"

namespace spillway::threads {

// std::mutex, for what is GUARDED_BY it: whoever touches that without it does not compile.
class CAPABILITY("mutex") Mutex {
 public:
  // True: hand the mutex to a Lock, with std::adopt_lock.
  bool try_lock() TRY_ACQUIRE(true) { return mutex_.try_lock(); }

 private:
  friend class Lock;
  std::mutex mutex_;
};

// Holds a mutex as long as it lives, but between unlock() and lock().
class SCOPED_CAPABILITY Lock {
 public:
  explicit Lock(Mutex& mutex) ACQUIRE(mutex) : lock_(mutex.mutex_) {}
  Lock(Mutex& mutex, std::adopt_lock_t held) REQUIRES(mutex) : lock_(mutex.mutex_, held) {}
  ~Lock() RELEASE() = default;
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  void lock() ACQUIRE() { lock_.lock(); }
  void unlock() RELEASE() { lock_.unlock(); }

 private:
  friend class Condition;
  std::unique_lock<std::mutex> lock_;
};

// std::condition_variable. `holds` is called with the lock: its lambda says REQUIRES(the mutex).
class Condition {
 public:
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

  template <class Holds>
  void wait(Lock& lock, Holds holds) NO_THREAD_SAFETY_ANALYSIS {
    condition_.wait(lock.lock_, holds);
  }
  // Whether it held in time.
  template <class Holds>
  bool wait_for(Lock& lock, std::chrono::milliseconds most, Holds holds) NO_THREAD_SAFETY_ANALYSIS {
    return condition_.wait_for(lock.lock_, most, holds);
  }

 private:
  std::condition_variable condition_;
};

}  // namespace spillway::threads
