#include "common/executor/blocking.h"

#include <algorithm>
#include <thread>

namespace spillway::executor {

BlockingPool::BlockingPool(unsigned limit, std::size_t capacity, std::chrono::milliseconds idle)
    : limit_(std::max(1u, limit)), idle_after_(idle), queue_(1, capacity) {}

BlockingPool::~BlockingPool() {
  threads::Lock lock(mutex_);
  stopping_ = true;
  work_.notify_all();
  ended_all_.wait(lock, [this]() REQUIRES(mutex_) { return threads_ == 0; });
}

Injector::Pushed BlockingPool::push(Node* node) {
  const Injector::Pushed pushed = queue_.push(node, true);
  if (pushed != Injector::Pushed::yes) return pushed;
  threads::Lock lock(mutex_);
  if (idle_ >= queue_.size() || threads_ == limit_) {
    work_.notify_one();
  } else {
    // Detached, for threads come and go; the destructor waits for their count to fall to zero.
    std::thread([this] { loop(); }).detach();
    ++threads_;
  }
  return pushed;
}

void BlockingPool::discard() {
  threads::Lock lock(mutex_);
  discarding_ = true;
}

void BlockingPool::loop() {
  threads::Lock lock(mutex_);
  for (;;) {
    Node* node = nullptr;
    if (queue_.take(&node, 1)) {
      const bool discard = discarding_;
      lock.unlock();
      Outcomes outcomes;
      outcomes.finish(node, discard);
      lock.lock();
      outcomes.add_to(counts_);
      continue;
    }
    ++idle_;
    const bool woken = work_.wait_for(lock, idle_after_, [this]() REQUIRES(mutex_) {
      return stopping_ || queue_.best_band() < kBands;
    });
    --idle_;
    if (stopping_ || !woken) break;
  }
  --threads_;
  ended_all_.notify_all();
}

std::size_t BlockingPool::threads() const {
  threads::Lock lock(mutex_);
  return threads_;
}

std::uint64_t BlockingPool::ended() const {
  threads::Lock lock(mutex_);
  return counts_.ran + counts_.expired + counts_.cancelled + counts_.dropped;
}

void BlockingPool::add_to(ShutdownReport& report) const {
  threads::Lock lock(mutex_);
  report.ran += counts_.ran;
  report.expired += counts_.expired;
  report.cancelled += counts_.cancelled;
  report.dropped += counts_.dropped;
  report.failed += counts_.failed;
}

}  // namespace spillway::executor
