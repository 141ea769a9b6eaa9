#include "common/owner/task_table.h"

#include <cassert>

namespace spillway::owner {

OwnedTask* TaskTable::find(std::uint64_t seq) {
  auto found = tasks_.find(seq);
  return found == tasks_.end() ? nullptr : &found->second;
}

const OwnedTask* TaskTable::find(std::uint64_t seq) const {
  auto found = tasks_.find(seq);
  return found == tasks_.end() ? nullptr : &found->second;
}

OwnedTask& TaskTable::at(std::uint64_t seq) {
  OwnedTask* task = find(seq);
  assert(task && "the index of tasks names one that is not in memory");
  return *task;
}

const OwnedTask& TaskTable::at(std::uint64_t seq) const {
  const OwnedTask* task = find(seq);
  assert(task && "the index of tasks names one that is not in memory");
  return *task;
}

OwnedTask& TaskTable::add(OwnedTask task) {
  const std::uint64_t seq = task.seq;
  task.timer = kNever;
  spec_bytes_ += task.spec_size();
  OwnedTask& added = tasks_.emplace(seq, std::move(task)).first->second;
  refresh(added);
  return added;
}

void TaskTable::refresh(OwnedTask& task) {
  const NodeTime timer = lifecycle::next_time(task.state);
  if (timer == task.timer) return;
  if (task.timer != kNever) timers_.erase({task.timer, task.seq});
  if (timer != kNever) timers_.insert({timer, task.seq});
  task.timer = timer;
}

void TaskTable::forget(const OwnedTask& task) {
  if (task.timer != kNever) timers_.erase({task.timer, task.seq});
  spec_bytes_ -= task.spec_size();
  tasks_.erase(task.seq);
}

OwnedTask* TaskTable::due(NodeTime now) {
  if (timers_.empty() || timers_.begin()->first > now) return nullptr;
  return &at(timers_.begin()->second);
}

}  // namespace spillway::owner
