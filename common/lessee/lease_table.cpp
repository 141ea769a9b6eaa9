#include "common/lessee/lease_table.h"

#include <cassert>

namespace spillway::lessee {

using lifecycle::LeaseState;

HeldTask* LeaseTable::find(TaskId id) {
  const auto found = tasks_.find(id);
  return found == tasks_.end() ? nullptr : &found->second;
}

HeldTask& LeaseTable::at(TaskId id) {
  HeldTask* task = find(id);
  assert(task && "the index of attempts names one that is not held");
  return *task;
}

const HeldTask* LeaseTable::find(TaskId id) const {
  const auto found = tasks_.find(id);
  return found == tasks_.end() ? nullptr : &found->second;
}

HeldTask* LeaseTable::find(const std::string& lessor, TaskId offered) {
  HeldTask* task = find(offered);
  if (task && task->owner == lessor && task->offered == offered) return task;
  if (renamed_.empty()) return nullptr;
  const auto renamed = renamed_.find({lessor, offered});
  return renamed == renamed_.end() ? nullptr : find(renamed->second);
}

HeldTask& LeaseTable::add(const std::string& lessor, TaskId offered) {
  TaskId id = offered;
  while (tasks_.contains(id) || (names_.taken && names_.taken(id))) {
    id.origin.value = names_.random();
  }
  if (id != offered) renamed_[{lessor, offered}] = id;
  HeldTask& task = tasks_[id];
  task.id = id;
  task.offered = offered;
  task.owner = lessor;
  return task;
}

HeldTask& LeaseTable::put(HeldTask task) {
  const TaskId id = task.id;
  if (task.offered != id) renamed_[{task.owner, task.offered}] = id;
  HeldTask& added = tasks_.insert_or_assign(id, std::move(task)).first->second;
  if (added.state.state == LeaseState::answered) tombstones_.push_back(id);
  track(added, {.state = LeaseState::answered});
  return added;
}

void LeaseTable::track(HeldTask& task, const lifecycle::LesseeTask& was) {
  const auto is_held = [](LeaseState state) {
    return state == LeaseState::accepted || state == LeaseState::running;
  };
  Lessor& whose = lessor(task.owner);
  if (is_held(was.state) != task.held()) {
    const int change = task.held() ? 1 : -1;
    whose.held = std::uint32_t(int(whose.held) + change);
    held_ = std::uint32_t(int(held_) + change);
  }
  count(task);
  const bool done = task.state.state == LeaseState::done;
  if (!done) whose.results.remove(task.id, task.owed);
  if (was.state != LeaseState::answered && task.state.state == LeaseState::answered) {
    tombstones_.push_back(task.id);
  }
  const NodeTime next = done ? task.ended + keep_answers_ : lifecycle::next_lessee_time(task.state);
  if (task.timer == next) return;
  if (task.timer != kNever) timers_.erase({task.timer, task.id});
  if (next != kNever) timers_.insert({next, task.id});
  task.timer = next;
}

// Until its lessor has the answer a task takes of that lessor's share.
void LeaseTable::count(HeldTask& task) {
  Lessor& whose = lessor(task.owner);
  const bool kept = task.state.state != LeaseState::answered;
  const std::uint64_t bytes = kept ? task.bytes() : 0;
  if (kept != (task.counted > 0)) {
    const int change = kept ? 1 : -1;
    whose.kept = std::uint32_t(int(whose.kept) + change);
    kept_ = std::uint32_t(int(kept_) + change);
  }
  whose.bytes += bytes - task.counted;
  bytes_ += bytes - task.counted;
  task.counted = bytes;
}

void LeaseTable::forget(HeldTask& task) {
  const TaskId id = task.id;
  const auto renamed =
      task.offered == id ? renamed_.end() : renamed_.find({task.owner, task.offered});
  if (renamed != renamed_.end() && renamed->second == id) renamed_.erase(renamed);
  if (task.timer != kNever) timers_.erase({task.timer, id});
  tasks_.erase(id);
}

void LeaseTable::bury(std::size_t most) {
  while (tombstones_.size() > most) {
    HeldTask* oldest = find(tombstones_.front());
    if (oldest && oldest->unsaved > 0) return;
    tombstones_.pop_front();
    if (oldest && oldest->state.state == LeaseState::answered) forget(*oldest);
  }
}

const Lessor* LeaseTable::known(const std::string& name) const {
  const auto found = lessors_.find(name);
  return found == lessors_.end() ? nullptr : &found->second;
}

void LeaseTable::set_online(Lessor& lessor, bool online) {
  if (std::exchange(lessor.online, online) != online) online ? ++online_ : --online_;
}

HeldTask* LeaseTable::due(NodeTime time) {
  return next_timer() <= time ? &at(timers_.begin()->second) : nullptr;
}

}  // namespace spillway::lessee
