#include "common/sqlite/commit_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace spillway::sqlite {
namespace {

using SteadyClock = std::chrono::steady_clock;

bool is_its_own_fault(const Error& error) {
  return error.code == Code::conflict || error.code == Code::invalid_argument ||
         error.code == Code::not_found;
}

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
  Group group;
  group.push_back(std::move(operation));
  run_from(group, 0);
  settle(group);
  post(std::move(group));
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
    while (!taken_.empty()) run_group();
    threads::Lock lock(mutex_);
    busy_ = false;
  }
}

// Waits until there is work and nobody else does any, and is busy with it then. False: it is over.
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

std::unique_ptr<CommitQueue::Operation> CommitQueue::take() {
  if (taken_.empty()) {
    threads::Lock lock(mutex_);
    taken_.swap(queue_);
  }
  if (taken_.empty()) return nullptr;
  std::unique_ptr<Operation> operation = std::move(taken_.front());
  taken_.pop_front();
  return operation;
}

// One group, from its first operation to its answers: operations run as they are taken, until the
// group or its time is full or nothing waits; then what they wrote is committed, and all answers
// are posted. No transaction is open before or after.
void CommitQueue::run_group() {
  Group group;
  const auto until = SteadyClock::now() + limits_.window;
  while (group.size() < limits_.group) {
    std::unique_ptr<Operation> operation = take();
    if (!operation) break;
    group.push_back(std::move(operation));
    run_from(group, group.size() - 1);
    if (SteadyClock::now() >= until) break;
  }
  settle(group);
  post(std::move(group));
}

// Runs what is not settled, from `first` on. A write that fails undoes the transaction, and all
// begins again without it: each time one operation more is settled, so this ends.
void CommitQueue::run_from(Group& group, std::size_t first) {
  for (std::size_t i = first; i < group.size();) {
    if (group[i]->settled || run_one(group, *group[i])) {
      ++i;
    } else {
      // Undone: what was not settled runs again, reads too, for they saw what is no longer there.
      i = 0;
    }
  }
}

// Runs one operation; the first write begins the transaction. False: a write failed and everything
// was undone; it is settled with its error, and, unless that is its own fault, so are all writes.
bool CommitQueue::run_one(Group& group, Operation& operation) {
  if (operation.writes() && !open_) {
    if (Status begun = committer_.begin(); !begun) {
      committer_.failed(begun.error());
      operation.refuse(begun.error());
      operation.settled = true;
      return true;
    }
    open_ = true;
  }
  const Error* error = operation.run();
  if (error == nullptr) return true;
  committer_.failed(*error);
  if (!operation.writes()) return true;
  operation.settled = true;
  undo(group, *error, is_its_own_fault(*error));
  return false;
}

void CommitQueue::undo(Group& group, const Error& error, bool only_one) {
  committer_.rollback();
  open_ = false;
  if (only_one) return;
  for (const std::unique_ptr<Operation>& operation : group) {
    if (!operation->writes() || operation->settled) continue;
    operation->refuse(error);
    operation->settled = true;
  }
}

// Commits. If that fails, all writes are refused, and reads run again: they saw what is not there.
void CommitQueue::settle(Group& group) {
  if (!open_) return;
  Status committed = committer_.commit();
  open_ = false;
  if (committed) return;
  committer_.failed(committed.error());
  undo(group, committed.error(), false);
  run_from(group, 0);
}

void CommitQueue::post(Group group) {
  // std::function wants to be copied, which a group cannot.
  auto answers = std::make_shared<Group>(std::move(group));
  poster_([answers] {
    for (const std::unique_ptr<Operation>& operation : *answers) operation->answer();
  });
}

}  // namespace spillway::sqlite
