#include "common/lessee/journal.h"

namespace spillway::lessee {

Journal::Journal(ledger::Ledger& ledger, store::CommitCycle<ledger::LedgerBatch>::Listener listener,
                 std::function<void(TaskId)> settled)
    : cycle_([&ledger](const ledger::LedgerBatch& batch,
                       auto done) { ledger.commit(batch, std::move(done)); },
             std::move(listener)),
      settled_(std::move(settled)) {}

// A task that a commit speaks of is not forgotten, and map nodes do not move.
void Journal::touch(HeldTask& task) {
  if (touched_.emplace(task.id, &task).second) task.unsaved += 1;
}

void Journal::insert(HeldTask& task) {
  touch(task);
  auto& inserts = cycle_.batch().inserts;
  inserts_[task.id] = inserts.size();
  inserts.push_back({task.id, task.owner, task.state, task.spec_digest, task.accepted,
                     task.spec_bytes, task.result});
}

void Journal::update(HeldTask& task, lifecycle::LeaseState was_state, Epoch was_epoch) {
  touch(task);
  ledger::LedgerBatch& batch = cycle_.batch();
  if (auto insert = inserts_.find(task.id); insert != inserts_.end()) {
    ledger::LedgerRow& row = batch.inserts[insert->second];
    row.task = task.state;
    row.spec = task.spec_bytes;
    row.result = task.result;
    return;
  }
  auto [update, fresh] = updates_.try_emplace(task.id, batch.updates.size());
  if (fresh) batch.updates.push_back({task.id, was_state, was_epoch, {}, nullptr, nullptr});
  ledger::LedgerUpdate& row = batch.updates[update->second];
  row.next = task.state;
  row.result = task.result;
  // An answered row has lost its spec; without one its new run could not be started again.
  if (row.was_state == lifecycle::LeaseState::answered) row.spec = task.spec_bytes;
}

void Journal::flush(NodeTime now, Duration wall) {
  if (cycle_.busy()) return;
  cycle_.batch().now = now;
  cycle_.batch().wall = wall;
  if (!touched_.empty()) {
    cycle_.after([this, tasks = std::exchange(touched_, {})] {
      for (auto& [id, task] : tasks) {
        task->unsaved -= 1;
        settled_(id);
      }
    });
  }
  inserts_.clear();
  updates_.clear();
  cycle_.flush();
}

}  // namespace spillway::lessee
