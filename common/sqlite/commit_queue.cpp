#include "common/sqlite/commit_queue.h"

#include <algorithm>
#include <utility>

namespace spillway::sqlite {
namespace {

using SteadyClock = std::chrono::steady_clock;

}  // namespace

CommitQueue::CommitQueue(Committer& committer, Poster poster, Limits limits)
    : committer_(committer),
      poster_(std::move(poster)),
      limits_(limits),
      thread_([this] { loop(); }) {}

CommitQueue::~CommitQueue() {
  {
    threads::Lock lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void CommitQueue::push(std::unique_ptr<Operation> operation, bool small) {
  {
    threads::Lock lock(mutex_);
    if (may_run_here(*operation, small)) {
      busy_ = true;
    } else {
      queue_.push_back(std::move(operation));
    }
  }
  // What is pushed while another one runs is seen by it, or by the thread after it.
  operation ? run_here(std::move(operation)) : wake_.notify_one();
}

bool CommitQueue::may_run_here(const Operation& operation, bool small) {
  if (limits_.here.count() == 0 || !operation.writes()) return false;
  if (!small) not_here_ = std::max(not_here_, kCrowd);
  if (small && not_here_ > 0) --not_here_;
  return small && not_here_ == 0 && !busy_ && queue_.empty();
}

void CommitQueue::run_here(std::unique_ptr<Operation> operation) {
  const auto begun = SteadyClock::now();
  run(std::move(operation));
  const bool slow = SteadyClock::now() - begun > limits_.here;
  bool called = false;
  {
    threads::Lock lock(mutex_);
    busy_ = false;
    here_ += 1;
    if (slow) not_here_ = kSlow;
    called = !queue_.empty() || std::exchange(rested_, false);
  }
  if (called) wake_.notify_one();
}

void CommitQueue::loop() {
  while (await_work()) {
    for (auto& operation : std::exchange(taken_, {})) run(std::move(operation));
    threads::Lock lock(mutex_);
    busy_ = false;
  }
}

// Waits until there is work and nobody else does any, takes it, and is busy with it then. False: it
// is over.
bool CommitQueue::await_work() {
  threads::Lock lock(mutex_);
  const auto called = [this]() REQUIRES(mutex_) { return !busy_ && (!queue_.empty() || closing_); };
  while (!called()) {
    const std::uint64_t seen = here_;
    if (rested_) {
      wake_.wait(lock, [&]() REQUIRES(mutex_) { return called() || !rested_; });
    } else if (!wake_.wait_for(lock, limits_.rest, called) && !busy_ && here_ == seen) {
      busy_ = rested_ = true;
      lock.unlock();
      committer_.rest();
      lock.lock();
      busy_ = false;
    }
  }
  if (queue_.empty()) return false;
  busy_ = true;
  rested_ = false;
  taken_.swap(queue_);
  return true;
}

void CommitQueue::run(std::unique_ptr<Operation> operation) {
  if (operation->writes()) {
    write(*operation);
  } else if (const Error* error = operation->run()) {
    committer_.failed(*error);
  }
  // std::function wants to be copied, which an operation cannot.
  poster_([done = std::shared_ptr<Operation>(std::move(operation))] { done->answer(); });
}

// One transaction: none is open before or after.
void CommitQueue::write(Operation& operation) {
  const auto refuse = [&](const Error& error) {
    committer_.failed(error);
    operation.refuse(error);
  };
  if (Status begun = committer_.begin(); !begun) return refuse(begun.error());
  if (const Error* error = operation.run()) {
    committer_.failed(*error);
    return committer_.rollback();
  }
  if (Status committed = committer_.commit(); !committed) {
    refuse(committed.error());
    committer_.rollback();
  }
}

}  // namespace spillway::sqlite
