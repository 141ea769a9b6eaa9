#include "agent/node/journal.h"

#include <utility>

namespace spillway::agent {

// Tasks with unsaved > 0 never leave the table, and its nodes do not move: the pointers stay good.
void Journal::touch(LiveTask& task) {
  if (touched_.emplace(task.seq, &task).second) task.unsaved += 1;
}

void Journal::insert(LiveTask& task, store::NewTask row) {
  touch(task);
  inserts_[task.seq] = batch_.inserts.size();
  batch_.inserts.push_back(std::move(row));
}

void Journal::update(LiveTask& task, TaskState was_state, Epoch was_epoch) {
  touch(task);
  if (auto insert = inserts_.find(task.seq); insert != inserts_.end()) {
    batch_.inserts[insert->second].row.task = task.state;
    return;
  }
  auto [update, fresh] = updates_.try_emplace(task.seq, batch_.updates.size());
  if (fresh) batch_.updates.push_back({task.seq, was_state, was_epoch, {}, nullptr, kNever});
  batch_.updates[update->second].next = task.state;
}

void Journal::finish(LiveTask& task, store::EncodedBytes result, NodeTime keep_until) {
  if (auto insert = inserts_.find(task.seq); insert != inserts_.end()) {
    batch_.inserts[insert->second].row.result = std::move(result);
    batch_.inserts[insert->second].row.keep_until = keep_until;
    return;
  }
  store::TaskUpdate& update = batch_.updates[updates_.at(task.seq)];
  update.result = std::move(result);
  update.keep_until = keep_until;
}

void Journal::flush(NodeTime now, Duration wall) {
  if (busy_ || (batch_.empty() && actions_.empty())) return;
  batch_.now = now;
  batch_.wall = wall;
  flying_ = std::exchange(batch_, {});
  flying_actions_ = std::exchange(actions_, {});
  flying_tasks_.clear();
  for (auto& [seq, task] : touched_) flying_tasks_.push_back(task);
  touched_.clear();
  inserts_.clear();
  updates_.clear();
  busy_ = true;
  if (flying_.empty()) return on_done({});
  hand_over();
}

void Journal::hand_over() {
  store_->commit(flying_, [this](Result<void> result) { on_done(std::move(result)); });
}

void Journal::retry() {
  if (!stalled_) return;
  stalled_ = false;
  hand_over();
}

void Journal::on_done(Result<void> result) {
  if (!result) {
    stalled_ = true;
    return listener_.failed(result.error());
  }
  busy_ = false;
  std::vector<std::function<void()>> actions = std::exchange(flying_actions_, {});
  std::vector<LiveTask*> tasks = std::exchange(flying_tasks_, {});
  for (auto& action : actions) action();
  for (LiveTask* task : tasks) {
    task->unsaved -= 1;
    listener_.settled(task->seq);
  }
  listener_.committed();
}

}  // namespace spillway::agent
