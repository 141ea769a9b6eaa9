#include "common/owner/owner_journal.h"

#include <algorithm>

namespace spillway::owner {

OwnerJournal::OwnerJournal(store::OwnerStore& store,
                           sqlite::CommitCycle<store::Batch>::Listener cycle, Listener listener)
    : cycle_(
          [this, &store](const store::Batch& batch, auto done) {
            store.commit(
                batch,
                gate_.pass([this, done = std::move(done)](const Result<store::Refused>& refused) {
                  if (!refused) return done(refused.error());
                  on_written(*refused);
                  done({});
                }));
          },
          std::move(cycle)),
      listener_(std::move(listener)) {}

void OwnerJournal::on_written(const store::Refused& refused) {
  refusals_.on_commit();
  for (const store::RefusedTask& one : refused) {
    refusals_.add(one.seq, one.error);
    strike(one.seq);
    listener_.refused(one.seq, one.error);
  }
}

// Takes out what has gathered of a task: it follows from what the disk does not have.
void OwnerJournal::strike(std::uint64_t seq) {
  store::Batch& batch = cycle_.batch();
  const auto speaks_of_it = [seq](const auto& row) { return row.seq == seq; };
  std::erase_if(batch.inserts, [seq](const store::NewTask& task) { return task.row.seq == seq; });
  std::erase_if(batch.updates, speaks_of_it);
  std::erase_if(batch.events, speaks_of_it);
  std::erase_if(batch.outbox_put, speaks_of_it);
  std::erase_if(batch.outbox_drop, speaks_of_it);
  inserts_.clear();
  updates_.clear();
  for (std::size_t i = 0; i < batch.inserts.size(); ++i) inserts_[batch.inserts[i].row.seq] = i;
  for (std::size_t i = 0; i < batch.updates.size(); ++i) updates_[batch.updates[i].seq] = i;
  touched_.erase(seq);
  flying_->erase(seq);
}

void OwnerJournal::after(std::uint64_t seq, std::function<void(const Error*)> action) {
  cycle_.after([this, seq, from = refusals_.commits(), action = std::move(action)] {
    action(refusals_.since(from, seq));
  });
}

// Tasks with unsaved > 0 leave the table only when they are refused, and its nodes do not move: the
// pointers stay good.
void OwnerJournal::touch(JournaledTask& task) {
  if (touched_.emplace(task.seq, &task).second) task.unsaved += 1;
}

void OwnerJournal::insert(JournaledTask& task, store::NewTask row) {
  touch(task);
  auto& inserts = cycle_.batch().inserts;
  inserts_[task.seq] = inserts.size();
  inserts.push_back(std::move(row));
}

void OwnerJournal::update(JournaledTask& task, TaskState was_state, Epoch was_epoch) {
  touch(task);
  store::Batch& batch = cycle_.batch();
  auto insert = inserts_.find(task.seq);
  // An end stays a step of its own: tasks in the same batch may come after this one, and the store
  // takes none that comes after an ended task.
  bool melts = insert != inserts_.end() && !updates_.contains(task.seq);
  if (melts && !is_terminal(task.state.state)) {
    batch.inserts[insert->second].row.task = task.state;
    return;
  }
  auto [update, fresh] = updates_.try_emplace(task.seq, batch.updates.size());
  if (fresh)
    batch.updates.push_back({task.seq, was_state, was_epoch, {}, nullptr, nullptr, kNever});
  store::TaskUpdate& row = batch.updates[update->second];
  row.next = task.state;
  row.keep_until = kNever;
}

void OwnerJournal::remember(const JournaledTask& task, sqlite::EncodedBytes so_far) {
  store::Batch& batch = cycle_.batch();
  auto update = updates_.find(task.seq);
  if (update != updates_.end()) {
    batch.updates[update->second].result = std::move(so_far);
  } else {
    batch.inserts[inserts_.at(task.seq)].row.result = std::move(so_far);
  }
}

void OwnerJournal::finish(const JournaledTask& task, sqlite::EncodedBytes result,
                          NodeTime keep_until, sqlite::EncodedBytes spec_left) {
  store::TaskUpdate& update = cycle_.batch().updates[updates_.at(task.seq)];
  update.result = std::move(result);
  update.spec = std::move(spec_left);
  update.keep_until = keep_until;
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
  if (const store::Batch* flying = cycle_.under_way()) {
    gathered.produced[std::size_t(DataClass::telemetry)] += flying->samples;
    for (const store::LossCount& loss : flying->losses) {
      add({{loss.data, loss.cause, loss_period(loss.at)}, loss.at, loss.at, loss.count, 0});
    }
  }
  return [this, without, with = std::move(gathered), from = refusals_.commits()] {
    return refusals_.commits() == from ? with : without;
  };
}

// The store widens a row by each: the last one has to be told of its own.
void OwnerJournal::put_losses() {
  store::Batch& batch = cycle_.batch();
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
  if (cycle_.wanted() || now >= losses_due_) return true;
  if (cycle_.idle()) return false;
  company_until_ = std::min(company_until_, now + kMayWait);
  return now >= company_until_;
}

bool OwnerJournal::flush(NodeTime now, Duration wall) {
  if (cycle_.busy() || !is_due(now)) return false;
  if (!cycle_.batch().empty() || now >= losses_due_) put_losses();
  cycle_.batch().now = now;
  cycle_.batch().wall = wall;
  if (!touched_.empty()) {
    flying_ = std::make_shared<Touched>(std::exchange(touched_, {}));
    cycle_.whenever([this, tasks = flying_] {
      for (auto& [seq, task] : *tasks) {
        task->unsaved -= 1;
        listener_.settled(seq);
      }
    });
  }
  inserts_.clear();
  updates_.clear();
  company_until_ = kNever;
  cycle_.flush();
  return true;
}

}  // namespace spillway::owner
