#include "agent/node/task_table.h"

#include <algorithm>

namespace spillway::agent {

LiveTask* TaskTable::find(std::uint64_t seq) {
  auto found = tasks_.find(seq);
  return found == tasks_.end() ? nullptr : &found->second;
}

const LiveTask* TaskTable::find(std::uint64_t seq) const {
  auto found = tasks_.find(seq);
  return found == tasks_.end() ? nullptr : &found->second;
}

LiveTask& TaskTable::add(LiveTask task) {
  std::uint64_t seq = task.seq;
  if (LiveTask* before = find(seq)) {
    bytes_ -= before->memory();
    age(*before, false);
  }
  bytes_ += task.memory();
  LiveTask& added = tasks_.insert_or_assign(seq, std::move(task)).first->second;
  added.timer = kNever;
  refresh(added);
  return added;
}

bool TaskTable::in_window(const store::ReadyKey& key) const {
  return !more_on_disk_ || (window_end_ && key <= *window_end_);
}

bool TaskTable::needed(const LiveTask& task) const {
  switch (task.state.state) {
    case TaskState::leased:
    case TaskState::running: return true;
    case TaskState::ready: return task.elder || in_window(task.ready_key());
    // It is back soon; but pauses must not fill the memory.
    case TaskState::waiting:
      return task.state.reason == WaitReason::backoff && tasks_.size() <= 2 * max_ready_;
    default: return false;
  }
}

void TaskTable::refresh(LiveTask& task) {
  store::ReadyKey key = task.ready_key();
  bool ready = task.state.state == TaskState::ready;
  if (ready && in_window(key)) {
    ready_.insert(key);
  } else {
    ready_.erase(key);
    if (ready && refilling_) left_behind_ = true;
  }
  task.elder = task.elder && ready;
  age(task, ready && (task.elder || in_window(key)));
  if (task.state.offer_pending) {
    pending_offers_.insert(task.seq);
  } else {
    pending_offers_.erase(task.seq);
  }
  NodeTime timer = lifecycle::next_time(task.state);
  if (timer == task.timer) return;
  if (task.timer != kNever) timers_.erase({task.timer, task.seq});
  if (timer != kNever) timers_.insert({timer, task.seq});
  task.timer = timer;
}

void TaskTable::age(LiveTask& task, bool waits) {
  const NodeTime since = waits ? task.state.since : kNever;
  if (task.aged == since) return;
  if (task.aged != kNever) by_age_.erase({task.aged, task.seq});
  if (since != kNever) by_age_.insert({since, task.seq});
  task.aged = since;
}

std::vector<Band> TaskTable::bands_beyond() const {
  std::vector<Band> bands;
  if (!more_on_disk_ || !window_end_) return bands;
  for (auto band = unsigned(window_end_->band) + 1; band <= unsigned(Band::background); ++band) {
    bands.push_back(Band(band));
  }
  return bands;
}

void TaskTable::add_elder(LiveTask& task) {
  task.elder = true;
  refresh(task);
}

void TaskTable::forget(std::uint64_t seq) {
  auto found = tasks_.find(seq);
  LiveTask& task = found->second;
  age(task, false);
  ready_.erase(task.ready_key());
  pending_offers_.erase(seq);
  if (task.timer != kNever) timers_.erase({task.timer, seq});
  // Some sleep without a timer here: a task that no place can run is looked at again on disk.
  NodeTime wake = task.state.state == TaskState::waiting ? task.state.wake : kNever;
  disk_due_ = std::min({disk_due_, task.timer, wake});
  bytes_ -= task.memory();
  tasks_.erase(found);
}

void TaskTable::settle(std::uint64_t seq) {
  // Not while a refill is under way: it answers for what lies behind the window's present end.
  if (!refilling_ && ready_.size() > 2 * max_ready_) trim(max_ready_);
  if (!refilling_ && bytes_ > room_ && ready_.size() > 1) trim(ready_.size() / 2);
  LiveTask* task = find(seq);
  if (task && task->unsaved == 0 && !needed(*task)) forget(seq);
}

void TaskTable::trim(std::size_t keep) {
  // The farthest tasks go back to being on disk only; those a commit still speaks of go with
  // theirs.
  while (ready_.size() > keep) {
    if (LiveTask* task = find(ready_.rbegin()->seq)) age(*task, task->elder);
    ready_.erase(std::prev(ready_.end()));
  }
  window_end_ = *ready_.rbegin();
  more_on_disk_ = true;
  std::vector<std::uint64_t> beyond;
  for (auto& [seq, task] : tasks_) {
    if (task.unsaved == 0 && !needed(task)) beyond.push_back(seq);
  }
  for (std::uint64_t seq : beyond) forget(seq);
}

NodeTime TaskTable::next_timer() const { return timers_.empty() ? kNever : timers_.begin()->first; }

LiveTask* TaskTable::due(NodeTime now) {
  if (timers_.empty() || timers_.begin()->first > now) return nullptr;
  return find(timers_.begin()->second);
}

bool TaskTable::needs_refill() const {
  return more_on_disk_ && !refilling_ && ready_.size() < (max_ready_ + 1) / 2 &&
         (bytes_ <= room_ / 2 || ready_.empty());
}

std::optional<store::ReadyKey> TaskTable::refill_after() {
  refilling_ = true;
  left_behind_ = false;
  // Tasks before the window's end are all in memory; start there, or at the beginning.
  return window_end_;
}

void TaskTable::refilled(std::optional<store::ReadyKey> last, bool full) {
  refilling_ = false;
  if (last && (!window_end_ || *window_end_ < *last)) window_end_ = last;
  more_on_disk_ = full || left_behind_;
  left_behind_ = false;
  // Some were in memory for another reason when the window moved over them.
  for (auto& [seq, task] : tasks_) {
    if (task.state.state == TaskState::ready && in_window(task.ready_key())) {
      ready_.insert(task.ready_key());
      age(task, true);
    }
  }
}

}  // namespace spillway::agent
