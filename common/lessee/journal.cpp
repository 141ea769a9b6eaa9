#include "common/lessee/journal.h"

namespace spillway::lessee {

void Journal::insert(HeldTask& task) {
  std::optional<Origin> named;
  if (task.offered != task.id) named = task.offered.origin;
  rows_.insert(task,
               ledger::LedgerRow{task.id, task.owner, task.state, task.spec_digest, task.accepted,
                                 task.spec_bytes, task.result, named, task.past});
}

void Journal::update(HeldTask& task, lifecycle::LeaseState was_state, Epoch was_epoch) {
  if (ledger::LedgerRow* row = rows_.inserted(task)) {
    row->task = task.state;
    row->spec = task.spec_bytes;
    row->result = task.result;
    row->past = task.past;
    return rows_.touch(task);
  }
  // The ledger may have pruned the tombstone; one that is there is replaced.
  const bool revives = was_state == lifecycle::LeaseState::answered && task.held();
  if (revives && !rows_.updated(task)) return insert(task);
  ledger::LedgerUpdate& row =
      rows_.update(task, ledger::LedgerUpdate{task.id, was_state, was_epoch, {}, nullptr, nullptr});
  row.next = task.state;
  row.result = task.result;
  row.past = task.past;
}

}  // namespace spillway::lessee
