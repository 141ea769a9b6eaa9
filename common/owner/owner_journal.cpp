#include "common/owner/owner_journal.h"

#include <algorithm>
#include <cassert>

namespace spillway::owner {

void OwnerRows::strike(store::Batch& batch, std::uint64_t seq) {
  const auto speaks_of_it = [seq](const auto& row) { return row.seq == seq; };
  std::erase_if(batch.events, speaks_of_it);
  std::erase_if(batch.outbox_put, speaks_of_it);
  std::erase_if(batch.outbox_drop, speaks_of_it);
}

void OwnerJournal::update(JournaledTask& task, TaskState was_state, Epoch was_epoch) {
  store::NewTask* insert = rows_.inserted(task);
  // An end stays a step of its own: tasks in the same batch may come after this one, and the store
  // takes none that comes after an ended task.
  const bool melts = insert && !rows_.updated(task) && !is_terminal(task.state.state);
  if (melts) {
    insert->row.task = task.state;
    return rows_.touch(task);
  }
  store::TaskUpdate& row = rows_.update(
      task, store::TaskUpdate{task.seq, was_state, was_epoch, {}, nullptr, nullptr, kNever});
  row.next = task.state;
  row.keep_until = kNever;
}

void OwnerJournal::remember(const JournaledTask& task, sqlite::EncodedBytes so_far) {
  if (store::TaskUpdate* update = rows_.updated(task)) {
    update->result = std::move(so_far);
    return;
  }
  store::NewTask* insert = rows_.inserted(task);
  assert(insert && "what is remembered belongs to a step that gathers");
  insert->row.result = std::move(so_far);
}

void OwnerJournal::finish(const JournaledTask& task, sqlite::EncodedBytes result,
                          NodeTime keep_until, sqlite::EncodedBytes spec_left) {
  store::TaskUpdate* update = rows_.updated(task);
  assert(update && "an end belongs to the update that made the task terminal");
  update->result = std::move(result);
  update->spec = std::move(spec_left);
  update->keep_until = keep_until;
}

void OwnerJournal::lose(const store::LossCount& loss, Duration may_wait) {
  const LossKey key{loss.data, loss.cause, loss_period(loss.at)};
  Losses& sum = losses_.try_emplace(key, Losses{loss.at, loss.at}).first->second;
  sum.last = std::max(sum.last, loss.at);
  sum.count += loss.count;
  losses_due_ = std::min(losses_due_, loss.at + may_wait);
}

std::function<store::LossTable()> OwnerJournal::unwritten() const {
  store::LossTable gathered;
  const auto add = [&gathered](const LossRow& row) {
    gathered.rows.push_back(row);
    gathered.produced[std::size_t(row.key.data)] += row.count;
  };
  gathered.produced[std::size_t(DataClass::telemetry)] = samples_;
  for (const auto& [key, loss] : losses_) add({key, loss.first, loss.last, loss.count, 0});
  const store::LossTable without = gathered;
  // Whether it failed so far or not: only a commit that was handed over before the look is in it.
  if (const store::Batch* flying = cycle().under_way()) {
    gathered.produced[std::size_t(DataClass::telemetry)] += flying->samples;
    for (const store::LossCount& loss : flying->losses) {
      add({{loss.data, loss.cause, loss_period(loss.at)}, loss.at, loss.at, loss.count, 0});
    }
  }
  return [this, without, with = std::move(gathered), from = rows_.commits()] {
    return rows_.commits() == from ? with : without;
  };
}

// The store widens a row by each: the last one has to be told of its own.
void OwnerJournal::put_losses() {
  store::Batch& batch = this->batch();
  for (const auto& [key, loss] : losses_) {
    const bool several = loss.last > loss.first && loss.count > 1;
    batch.losses.push_back({key.data, key.cause, loss.first, loss.count - (several ? 1 : 0)});
    if (several) batch.losses.push_back({key.data, key.cause, loss.last, 1});
  }
  batch.samples += std::exchange(samples_, 0);
  losses_.clear();
  losses_due_ = kNever;
}

bool OwnerJournal::is_due(NodeTime now) {
  if (cycle().wanted() || now >= losses_due_) return true;
  if (cycle().idle()) return false;
  company_until_ = std::min(company_until_, now + kMayWait);
  return now >= company_until_;
}

bool OwnerJournal::flush(NodeTime now, Duration wall) {
  if (cycle().busy() || !is_due(now)) return false;
  if (!cycle().batch().empty() || now >= losses_due_) put_losses();
  company_until_ = kNever;
  rows_.flush(now, wall);
  return true;
}

}  // namespace spillway::owner
