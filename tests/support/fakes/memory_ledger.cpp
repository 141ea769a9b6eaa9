#include "tests/support/fakes/memory_ledger.h"

#include <algorithm>

namespace spillway::test {

using lifecycle::LeaseState;

ledger::LedgerRecovered LedgerDisk::recover(std::size_t answered) const {
  ledger::LedgerRecovered recovered;
  recovered.last_seen = last_seen;
  recovered.wall_at_last_seen = wall;
  recovered.session = session;
  for (const auto& [id, row] : rows) {
    const bool tombstone = row.task.state == LeaseState::answered;
    if (!tombstone) recovered.held.push_back(row);
    if (tombstone && recovered.answered.size() < answered) recovered.answered.push_back(row);
  }
  return recovered;
}

Status LedgerDisk::refuse(std::string why) {
  broken.push_back(why);
  return fail(Code::conflict, std::move(why));
}

ledger::Refused LedgerDisk::apply(const ledger::LedgerBatch& batch) {
  ledger::Refused refused;
  const auto sort_out = [&](TaskId id, const Status& status) {
    if (!status) return refused.push_back({id, status.error()});
    if (rows.at(id).task.state == LeaseState::answered) answered_at[id] = batch.now;
  };
  for (const ledger::LedgerRow& row : batch.inserts) sort_out(row.id, insert(row));
  for (const ledger::LedgerUpdate& change : batch.updates) sort_out(change.id, update(change));
  for (const auto& [device, report] : batch.losses) losses[device].push_back(report);
  for (const auto& [device, entry] : batch.lost) lost[device].push_back(entry);
  last_seen = std::max(last_seen, batch.now);
  wall = batch.wall;
  if (batch.session != 0) session = batch.session;
  commits += 1;
  return refused;
}

Status LedgerDisk::insert(const ledger::LedgerRow& row) {
  const std::string name = to_string(row.id);
  const bool answered = row.task.state == LeaseState::answered;
  const auto known = rows.find(row.id);
  if (known != rows.end() && known->second.task.state != LeaseState::answered) {
    return refuse("insert of " + name + ", which is held");
  }
  if (known != rows.end() && known->second.device != row.device) {
    return fail(Code::conflict, name + " is the name of another owner's row");
  }
  if (!row.spec && !answered) return refuse(name + " comes without a spec");
  rows[row.id] = row;
  if (answered) rows[row.id].spec = rows[row.id].result = nullptr;
  return {};
}

Status LedgerDisk::update(const ledger::LedgerUpdate& change) {
  const std::string name = to_string(change.id);
  const auto found = rows.find(change.id);
  if (found == rows.end() && pruned.contains(change.id)) {
    return fail(Code::not_found, name + " is not there any more");
  }
  if (found == rows.end()) return refuse(name + " is not there");
  ledger::LedgerRow& row = found->second;
  if (row.task.state != change.was_state || row.task.epoch != change.was_epoch) {
    return refuse(name + ": the fence does not match");
  }
  if (change.next.epoch < row.task.epoch) return refuse(name + ": its epoch went down");
  row.task = change.next;
  row.past = change.past;
  if (change.spec) row.spec = change.spec;
  row.result = change.result ? change.result : row.result;
  if (change.next.state == LeaseState::answered) row.spec = row.result = nullptr;
  if (change.next.state == LeaseState::done && !row.result) return refuse(name + " has no result");
  if (change.next.state != LeaseState::answered && !row.spec) {
    return refuse(name + " comes without a spec");
  }
  return {};
}

void MemoryLedger::commit(sqlite::SharedBatch<ledger::LedgerBatch> batch,
                          Done<ledger::Refused> done) {
  push_commit<ledger::Refused>(std::move(done),
                               [this, batch = std::move(batch)] { return disk_.apply(*batch); });
}

void MemoryLedger::find(TaskId id, Done<std::optional<ledger::LedgerRow>> done) {
  push<std::optional<ledger::LedgerRow>>(std::move(done),
                                         [this, id]() -> std::optional<ledger::LedgerRow> {
                                           const auto found = disk_.rows.find(id);
                                           if (found == disk_.rows.end()) return std::nullopt;
                                           return found->second;
                                         });
}

// The last report tells all there is, as long as it fits into one.
void MemoryLedger::losses(std::string device, Done<ledger::LossBook> done) {
  push<ledger::LossBook>(std::move(done), [this, device = std::move(device)] {
    ledger::StoredLosses stored;
    const auto found = disk_.losses.find(device);
    if (found != disk_.losses.end() && !found->second.empty()) {
      const wire::LossReport& last = found->second.back();
      for (const wire::LossEntry& entry : last.entries) {
        stored.entries.push_back(entry);
        stored.totals.push_back({entry.key.data, entry.key.cause, entry.total});
      }
    }
    for (const wire::LossEntry& entry : disk_.lost[device]) {
      stored.entries.push_back(entry);
      stored.totals.push_back({entry.key.data, entry.key.cause, entry.count});
    }
    return ledger::reconcile(stored);
  });
}

void MemoryLedger::prune(NodeTime before, std::size_t keep, std::size_t limit,
                         Done<std::vector<TaskId>> done) {
  push<std::vector<TaskId>>(std::move(done), [this, before, keep, limit] {
    std::vector<TaskId> tombstones, removed;
    for (const auto& [id, row] : disk_.rows) {
      if (row.task.state == LeaseState::answered) tombstones.push_back(id);
    }
    for (TaskId id : tombstones) {
      const bool over = tombstones.size() - removed.size() > keep;
      if (removed.size() < limit && (over || disk_.answered_at[id] < before)) removed.push_back(id);
    }
    for (TaskId id : removed) {
      disk_.rows.erase(id);
      disk_.pruned.insert(id);
    }
    return removed;
  });
}

}  // namespace spillway::test
