#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>

#include "common/base/gate.h"
#include "common/ledger/ledger.h"
#include "common/lessee/held_task.h"
#include "common/sqlite/commit_cycle.h"
#include "common/sqlite/refusals.h"

namespace spillway::lessee {

// What is to enter the ledger next; an attempt's steps melt into one row per commit. Loop only.
class Journal {
 public:
  struct Listener {
    std::function<void(TaskId)> settled;  // no commit under way speaks of it any more
    // The ledger contradicts what memory holds of this one: the listener lets go of it and looks at
    // the disk. Nothing here speaks of it any more. Told ahead of what waited for the commit.
    std::function<void(TaskId, const Error& why)> refused;
  };
  Journal(ledger::Ledger& ledger, sqlite::CommitCycle<ledger::LedgerBatch>::Listener cycle,
          Listener listener);

  void insert(HeldTask& task);
  void update(HeldTask& task, lifecycle::LeaseState was_state, Epoch was_epoch);
  void losses(const std::string& device, const wire::LossReport& report) {
    cycle_.batch().losses.emplace_back(device, report);
  }
  // Counted here, of what is kept for an owner.
  void lost(const std::string& owner, const wire::LossEntry& entry) {
    cycle_.batch().lost.emplace_back(owner, entry);
  }
  void session(std::uint64_t number) { cycle_.batch().session = number; }
  void after(std::function<void()> action) { cycle_.after(std::move(action)); }
  // Not when this one's steps were refused.
  void after(TaskId id, std::function<void()> action);

  void flush(NodeTime now, Duration wall);
  void retry() { cycle_.retry(); }
  bool idle() const { return cycle_.idle(); }

 private:
  using Touched = std::unordered_map<TaskId, HeldTask*>;
  void touch(HeldTask& task);
  void on_written(const ledger::Refused& refused);
  void strike(TaskId id);

  sqlite::CommitCycle<ledger::LedgerBatch> cycle_;
  Listener listener_;
  std::unordered_map<TaskId, std::size_t> inserts_, updates_;
  Touched touched_;
  std::shared_ptr<Touched> flying_ = std::make_shared<Touched>();  // of the commit under way
  sqlite::Refusals<TaskId> refusals_;
  Gate gate_;
};

}  // namespace spillway::lessee
