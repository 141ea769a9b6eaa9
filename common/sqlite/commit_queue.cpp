#include "common/sqlite/commit_queue.h"

#include <iterator>

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

void CommitQueue::push(std::unique_ptr<Operation> operation) {
  {
    threads::Lock lock(mutex_);
    queue_.push_back(std::move(operation));
  }
  wake_.notify_one();
}

void CommitQueue::loop() {
  for (;;) {
    if (taken_.empty()) await_work();
    if (taken_.empty()) return;
    run_group();
  }
}

void CommitQueue::await_work() {
  threads::Lock lock(mutex_);
  const auto called = [this]() REQUIRES(mutex_) { return !queue_.empty() || closing_; };
  if (!wake_.wait_for(lock, limits_.rest, called)) {
    lock.unlock();
    committer_.rest();
    lock.lock();
    wake_.wait(lock, called);
  }
  taken_.swap(queue_);
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
