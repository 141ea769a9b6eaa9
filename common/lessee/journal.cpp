#include "common/lessee/journal.h"

namespace spillway::lessee {

Journal::Journal(ledger::Ledger& ledger, sqlite::CommitCycle<ledger::LedgerBatch>::Listener cycle,
                 Listener listener)
    : cycle_(
          [this, &ledger](const ledger::LedgerBatch& batch, auto done) {
            ledger.commit(
                batch,
                gate_.pass([this, done = std::move(done)](const Result<ledger::Refused>& refused) {
                  if (!refused) return done(refused.error());
                  on_written(*refused);
                  done({});
                }));
          },
          std::move(cycle)),
      listener_(std::move(listener)) {}

void Journal::on_written(const ledger::Refused& refused) {
  refusals_.on_commit();
  for (const ledger::RefusedRow& one : refused) {
    refusals_.add(one.id, one.error);
    strike(one.id);
    listener_.refused(one.id, one.error);
  }
}

// Takes out what has gathered of a row: it follows from what the disk does not have.
void Journal::strike(TaskId id) {
  ledger::LedgerBatch& batch = cycle_.batch();
  const auto speaks_of_it = [id](const auto& row) { return row.id == id; };
  std::erase_if(batch.inserts, speaks_of_it);
  std::erase_if(batch.updates, speaks_of_it);
  inserts_.clear();
  updates_.clear();
  for (std::size_t i = 0; i < batch.inserts.size(); ++i) inserts_[batch.inserts[i].id] = i;
  for (std::size_t i = 0; i < batch.updates.size(); ++i) updates_[batch.updates[i].id] = i;
  touched_.erase(id);
  flying_->erase(id);
}

void Journal::after(TaskId id, std::function<void()> action) {
  cycle_.after([this, id, from = refusals_.commits(), action = std::move(action)] {
    if (!refusals_.since(from, id)) action();
  });
}

// A task that a commit speaks of is forgotten only when it is refused, and map nodes do not move.
void Journal::touch(HeldTask& task) {
  if (touched_.emplace(task.id, &task).second) task.unsaved += 1;
}

void Journal::insert(HeldTask& task) {
  touch(task);
  auto& inserts = cycle_.batch().inserts;
  std::optional<Origin> named;
  if (task.offered != task.id) named = task.offered.origin;
  inserts_[task.id] = inserts.size();
  inserts.push_back({task.id, task.owner, task.state, task.spec_digest, task.accepted,
                     task.spec_bytes, task.result, named, task.past});
}

void Journal::update(HeldTask& task, lifecycle::LeaseState was_state, Epoch was_epoch) {
  touch(task);
  ledger::LedgerBatch& batch = cycle_.batch();
  if (auto insert = inserts_.find(task.id); insert != inserts_.end()) {
    ledger::LedgerRow& row = batch.inserts[insert->second];
    row.task = task.state;
    row.spec = task.spec_bytes;
    row.result = task.result;
    row.past = task.past;
    return;
  }
  // The ledger may have pruned the tombstone; one that is there is replaced.
  const bool revives = was_state == lifecycle::LeaseState::answered && task.held();
  if (revives && !updates_.contains(task.id)) return insert(task);
  auto [update, fresh] = updates_.try_emplace(task.id, batch.updates.size());
  if (fresh) batch.updates.push_back({task.id, was_state, was_epoch, {}, nullptr, nullptr});
  ledger::LedgerUpdate& row = batch.updates[update->second];
  row.next = task.state;
  row.result = task.result;
  row.past = task.past;
}

void Journal::flush(NodeTime now, Duration wall) {
  if (cycle_.busy()) return;
  cycle_.batch().now = now;
  cycle_.batch().wall = wall;
  if (!touched_.empty()) {
    flying_ = std::make_shared<Touched>(std::exchange(touched_, {}));
    cycle_.after([this, tasks = flying_] {
      for (auto& [id, task] : *tasks) {
        task->unsaved -= 1;
        listener_.settled(id);
      }
    });
  }
  inserts_.clear();
  updates_.clear();
  cycle_.flush();
}

}  // namespace spillway::lessee
