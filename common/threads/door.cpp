#include "common/threads/door.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "common/threads/mutex.h"

namespace spillway::threads {
namespace {

thread_local std::uint64_t here = 0;  // the number of the run on this thread; 0: none

// The runs that have not ended, in all threads. Never destroyed: threads may outlive main().
class Runs {
 public:
  std::uint64_t begin() {
    Lock lock(mutex_);
    return runs_.emplace_back(++last_);
  }
  void end(std::uint64_t run) {
    Lock lock(mutex_);
    std::erase(runs_, run);
  }
  [[maybe_unused]] bool has(std::uint64_t run) {
    Lock lock(mutex_);
    return std::find(runs_.begin(), runs_.end(), run) != runs_.end();
  }

 private:
  Mutex mutex_;
  std::uint64_t last_ GUARDED_BY(mutex_) = 0;
  std::vector<std::uint64_t> runs_ GUARDED_BY(mutex_);
};

Runs& runs() {
  static Runs& all = *new Runs;
  return all;
}

}  // namespace

LoopRun::LoopRun() : outermost_(here == 0) {
  if (outermost_) here = runs().begin();
}

LoopRun::~LoopRun() {
  if (outermost_) runs().end(std::exchange(here, 0));
}

#ifndef NDEBUG
void Door::look() const {
  const std::uint64_t bound = run_.load(std::memory_order_relaxed);
  if (bound == here) return;
  if (bound != 0 && runs().has(bound)) {
    std::fprintf(stderr, "%s was called by another thread than its loop's: post() it there\n", of_);
    std::abort();
  }
  run_.store(here, std::memory_order_relaxed);
}
#endif

}  // namespace spillway::threads
