#pragma once

#include <functional>
#include <unordered_map>
#include <utility>

#include "common/ledger/ledger.h"
#include "common/lessee/held_task.h"
#include "common/store/commit_cycle.h"

namespace spillway::lessee {

// What is to enter the ledger next; an attempt's steps melt into one row per commit. Loop only.
class Journal {
 public:
  Journal(ledger::Ledger& ledger, store::CommitCycle<ledger::LedgerBatch>::Listener listener,
          std::function<void(TaskId)> settled);

  void insert(HeldTask& task);
  void update(HeldTask& task, lifecycle::LeaseState was_state, Epoch was_epoch);
  void losses(const std::string& device, const wire::LossReport& report) {
    cycle_.batch().losses.emplace_back(device, report);
  }
  void session(std::uint64_t number) { cycle_.batch().session = number; }
  void after(std::function<void()> action) { cycle_.after(std::move(action)); }

  void flush(NodeTime now, Duration wall);
  void retry() { cycle_.retry(); }
  bool idle() const { return cycle_.idle(); }

 private:
  void touch(HeldTask& task);

  store::CommitCycle<ledger::LedgerBatch> cycle_;
  std::function<void(TaskId)> settled_;
  std::unordered_map<TaskId, std::size_t> inserts_, updates_;
  std::unordered_map<TaskId, HeldTask*> touched_;
};

}  // namespace spillway::lessee
