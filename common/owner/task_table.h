#pragma once

#include <cstdint>
#include <set>
#include <unordered_map>
#include <utility>

#include "common/owner/owned_task.h"

namespace spillway::owner {

// The tasks in memory and their timers. Nothing in it moves: a pointer to a task stays good until
// the task is forgotten. Loop only.
class TaskTable {
 public:
  OwnedTask* find(std::uint64_t seq);
  const OwnedTask* find(std::uint64_t seq) const;
  // The task that something in memory names; not to have it here is a bug.
  OwnedTask& at(std::uint64_t seq);
  const OwnedTask& at(std::uint64_t seq) const;
  // Adds a task that is not here.
  OwnedTask& add(OwnedTask task);
  // After a change of state: keeps its timer true.
  void refresh(OwnedTask& task);
  void forget(const OwnedTask& task);

  NodeTime next_timer() const { return timers_.empty() ? kNever : timers_.begin()->first; }
  // A task whose timer is due at `now`; null: none is.
  OwnedTask* due(NodeTime now);

  template <class Visit>
  void each(Visit&& visit) {
    for (auto& [seq, task] : tasks_) visit(task);
  }
  template <class Visit>
  void each(Visit&& visit) const {
    for (const auto& [seq, task] : tasks_) visit(task);
  }
  std::size_t size() const { return tasks_.size(); }
  // Bytes of the specs in memory; what tasks of a group have in common counts once.
  std::uint64_t spec_bytes() const { return spec_bytes_; }
  // Those of these bytes that would go with the task.
  std::uint64_t own_bytes(const OwnedTask& task) const;

 private:
  std::unordered_map<std::uint64_t, OwnedTask> tasks_;
  std::set<std::pair<NodeTime, std::uint64_t>> timers_;
  std::uint64_t spec_bytes_ = 0;
  std::unordered_map<const Bytes*, std::uint32_t> groups_;  // specs, and how many tasks have each
};

}  // namespace spillway::owner
