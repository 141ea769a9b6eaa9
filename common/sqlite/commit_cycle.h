#pragma once

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/gate.h"
#include "common/sqlite/shared_batch.h"
#include "spillway/status.h"

namespace spillway::sqlite {

// One commit at a time: while a batch is on its way to the disk, the next one gathers here, and
// with it the actions that wait until it is durable. The disk does not wait for those: what
// gathered is handed over before they run. A batch that failed is kept and tried again as it is,
// ahead of everything later. Loop only.
template <class Batch>
class CommitCycle {
 public:
  // Answers later, never from inside the call.
  using Commit = std::function<void(SharedBatch<Batch>, std::function<void(Result<void>)>)>;
  struct Listener {
    std::function<void(const Error&)> failed;  // call retry() later
    // More gathered, and the disk is free: call flush(). Empty: that comes by itself, nobody waits.
    std::function<void()> gathered;
    std::function<void()> committed;
  };

  CommitCycle(Commit commit, Listener listener)
      : commit_(std::move(commit)), listener_(std::move(listener)) {}

  // What gathers for the next commit.
  Batch& batch() { return batch_; }
  // Runs on the loop, in order, once everything gathered so far is durable; somebody waits for it.
  void after(std::function<void()> action) {
    hurry();
    whenever(std::move(action));
  }
  // The same, when nobody waits.
  void whenever(std::function<void()> action) { actions_.push_back(std::move(action)); }
  void hurry() { wanted_ = true; }

  // Whether somebody waits for what gathered.
  bool wanted() const { return wanted_; }
  bool busy() const { return busy_; }
  // What is being committed, or waits to be tried again; null: nothing.
  const Batch* under_way() const { return flying_ ? &**flying_ : nullptr; }
  bool idle() const { return !busy_ && batch_.empty() && actions_.empty(); }

  // Sends what has gathered on its way, unless something is under way or there is nothing.
  void flush() {
    if (busy_) return;
    wanted_ = false;
    if (batch_.empty() && actions_.empty()) return;
    busy_ = true;
    flying_actions_ = std::exchange(actions_, {});
    if (batch_.empty()) return on_done({});
    flying_.emplace(std::exchange(batch_, {}));
    hand_over();
  }

  void retry() {
    if (!std::exchange(failed_, false)) return;
    hand_over();
  }

 private:
  void hand_over() {
    commit_(*flying_, gate_.pass([this](const Result<void>& result) { on_done(result); }));
  }

  // The store's answer. On an error all stays as it is, busy, until retry(). Else the disk is free
  // first, so that `gathered` may send the next batch; then the actions run in order, and may add
  // to what gathers; `committed` comes last.
  void on_done(const Result<void>& result) {
    if (!result) {
      failed_ = true;
      return listener_.failed(result.error());
    }
    busy_ = false;
    flying_.reset();
    const auto actions = std::exchange(flying_actions_, {});
    if (!batch_.empty() && listener_.gathered) listener_.gathered();
    for (const auto& action : actions) action();
    listener_.committed();
  }

  Commit commit_;
  Listener listener_;
  Batch batch_;
  std::optional<SharedBatch<Batch>> flying_;
  std::vector<std::function<void()>> actions_, flying_actions_;
  bool wanted_ = false;
  bool busy_ = false;
  bool failed_ = false;
  Gate gate_;
};

}  // namespace spillway::sqlite
