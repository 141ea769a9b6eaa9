// Never linked: Clang refuses five lines of it, and nothing else.
#include "common/threads/door.h"
#include "common/threads/mutex.h"

namespace spillway::threads {

class Shared {
 public:
  int unlocked() { return held_; }  // refused
  int early() {
    Lock lock(mutex_);
    lock.unlock();
    return held_;  // refused
  }
  int tried() { return mutex_.try_lock() ? 0 : held_; }  // refused
  void waited() {
    Lock lock(mutex_);
    changed_.wait(lock, [this] { return held_ > 0; });  // refused
    changed_.wait(lock, [this]() REQUIRES(mutex_) { return held_ > 0; });
  }
  int by_anyone() { return loops_; }  // refused
  int by_the_loop() {
    door_.enter();
    return loops_;
  }

 private:
  Mutex mutex_;
  Condition changed_;
  int held_ GUARDED_BY(mutex_) = 0;
  int loops_ GUARDED_BY(kLoop) = 0;
  Door door_{"Shared"};
};

}  // namespace spillway::threads
