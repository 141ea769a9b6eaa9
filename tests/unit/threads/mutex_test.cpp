#include "common/threads/mutex.h"

#include <thread>

#include <CppUTest/TestHarness.h>

namespace spillway::threads {
namespace {

class Counter {
 public:
  void add() {
    Lock lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  bool try_add() {
    if (!mutex_.try_lock()) return false;
    Lock lock(mutex_, std::adopt_lock);
    ++count_;
    return true;
  }
  int wait_for(int least) {
    Lock lock(mutex_);
    changed_.wait(lock, [&]() REQUIRES(mutex_) { return count_ >= least; });
    return count_;
  }
  bool has(int least) {
    Lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::milliseconds(0),
                             [&]() REQUIRES(mutex_) { return count_ >= least; });
  }
  // What try_lock() says while one holds the mutex, and while nobody does.
  std::pair<bool, bool> tried_by_another() {
    bool held = true, free = false;
    Lock lock(mutex_);
    std::thread([&] { held = try_add(); }).join();
    lock.unlock();
    std::thread([&] { free = try_add(); }).join();
    lock.lock();
    return {held, free};
  }

 private:
  Mutex mutex_;
  Condition changed_;
  int count_ GUARDED_BY(mutex_) = 0;
};

}  // namespace

TEST_GROUP(Mutex) { Counter counter; };

TEST(Mutex, who_waits_for_a_change_sees_it) {
  CHECK_FALSE(counter.has(1));
  std::thread other([this] {
    counter.add();
    counter.add();
  });
  CHECK_EQUAL(2, counter.wait_for(2));
  other.join();
  CHECK(counter.has(2));
}

TEST(Mutex, one_that_is_held_is_not_waited_for_by_who_tries) {
  const auto [held, free] = counter.tried_by_another();
  CHECK_FALSE(held);
  CHECK(free);
}

}  // namespace spillway::threads
