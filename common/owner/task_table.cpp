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
  const bool another = task.in_group && groups_[task.spec_bytes.get()]++ > 0;
  spec_bytes_ += another ? 0 : task.spec_size();
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
  spec_bytes_ -= own_bytes(task);
  if (auto group = groups_.find(task.spec_bytes.get()); task.in_group && --group->second == 0) {
    groups_.erase(group);
  }
  tasks_.erase(task.seq);
}

std::uint64_t TaskTable::own_bytes(const OwnedTask& task) const {
  const bool others = task.in_group && groups_.at(task.spec_bytes.get()) > 1;
  return others ? 0 : task.spec_size();
}

OwnedTask* TaskTable::due(NodeTime now) {
  if (timers_.empty() || timers_.begin()->first > now) return nullptr;
  return &at(timers_.begin()->second);
}

}  // namespace spillway::owner
