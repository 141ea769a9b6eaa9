#pragma once

#include <functional>
#include <string>
#include <utility>

#include "common/ledger/ledger.h"
#include "common/lessee/held_task.h"
#include "common/sqlite/journal.h"

namespace spillway::lessee {

struct LedgerRows {
  using Held = HeldTask;
  using Batch = ledger::LedgerBatch;
  using Refused = ledger::Refused;
  static TaskId key(const HeldTask& task) { return task.id; }
  static TaskId key(const ledger::LedgerRow& row) { return row.id; }
  static TaskId key(const ledger::LedgerUpdate& update) { return update.id; }
  static TaskId key(const ledger::RefusedRow& refused) { return refused.id; }
  static void strike(ledger::LedgerBatch&, TaskId) {}
};

// What is to enter the ledger next. Loop only.
class Journal {
 public:
  using Rows = sqlite::Journal<LedgerRows>;
  Journal(ledger::Ledger& ledger, Rows::Cycle::Listener cycle, Rows::Listener listener)
      : rows_(ledger, std::move(cycle), std::move(listener)) {}

  void insert(HeldTask& task);
  void update(HeldTask& task, lifecycle::LeaseState was_state, Epoch was_epoch);
  void losses(const std::string& device, const wire::LossReport& report) {
    batch().losses.emplace_back(device, report);
  }
  // Counted here, of what is kept for an owner.
  void lost(const std::string& owner, const wire::LossEntry& entry) {
    batch().lost.emplace_back(owner, entry);
  }
  void session(std::uint64_t number) { batch().session = number; }
  void after(std::function<void()> action) { rows_.cycle().after(std::move(action)); }
  // Calls `action` once the task's steps are durable; never when they were refused.
  void after(TaskId id, std::function<void()> action) {
    rows_.after(id, [action = std::move(action)](const Error* refused) {
      if (!refused) action();
    });
  }

  void flush(NodeTime now, Duration wall) {
    if (!rows_.cycle().busy()) rows_.flush(now, wall);
  }
  void retry() { rows_.cycle().retry(); }
  bool idle() const { return rows_.cycle().idle(); }

 private:
  ledger::LedgerBatch& batch() { return rows_.cycle().batch(); }

  Rows rows_;
};

}  // namespace spillway::lessee
