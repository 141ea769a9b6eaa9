#include "common/lessee/run_queue.h"

#include <algorithm>
#include <cassert>

namespace spillway::lessee {
namespace {

constexpr double kLeast = 1e-4;  // seconds; no turn is free

}  // namespace

void RunQueue::add(const Waiting& task) {
  auto line = lines_.find(task.owner);
  if (line == lines_.end()) {
    line = lines_.try_emplace(std::string(task.owner)).first;
    turns_.join(line->first);
  }
  auto& [turns, tenants] = line->second;
  auto tasks = tenants.find(task.tenant);
  if (tasks == tenants.end()) {
    tasks = tenants.try_emplace(std::string(task.tenant)).first;
    turns.join(tasks->first);
  }
  tasks->second.by_rank.insert(rank_of(task));
  tasks->second.by_age.insert({task.accepted, task.id});
  size_ += 1;
}

void RunQueue::remove(const Waiting& task) {
  auto line = lines_.find(task.owner);
  if (line == lines_.end()) return;
  auto& [turns, tenants] = line->second;
  auto tasks = tenants.find(task.tenant);
  if (tasks == tenants.end() || tasks->second.by_rank.erase(rank_of(task)) == 0) return;
  tasks->second.by_age.erase({task.accepted, task.id});
  size_ -= 1;
  if (!tasks->second.by_rank.empty()) return;
  turns.leave(tasks->first);
  tenants.erase(tasks);
  if (!tenants.empty()) return;
  turns_.leave(line->first);
  lines_.erase(line);
}

bool RunQueue::is_oldest_due(const Tasks& tasks, NodeTime now) {
  return tasks.passed_over + 1 >= kTurns && now - tasks.by_age.begin()->first >= kPatience;
}

std::optional<TaskId> RunQueue::next(NodeTime now, const May& may) const {
  const std::string* owner = turns_.next(may);
  if (!owner) return std::nullopt;
  const Line& line = lines_.at(*owner);
  const Tasks& tasks = line.tenants.at(*line.turns.next());
  return is_oldest_due(tasks, now) ? tasks.by_age.begin()->second
                                   : std::get<TaskId>(*tasks.by_rank.begin());
}

void RunQueue::take(const Waiting& task, double seconds, NodeTime now) {
  auto line = lines_.find(task.owner);
  assert(line != lines_.end() && "the task has no line to be taken from");
  auto tenant = line->second.tenants.find(task.tenant);
  assert(tenant != line->second.tenants.end() && "the task's tenant has none in its line");
  Tasks& tasks = tenant->second;
  const auto& [accepted, oldest] = *tasks.by_age.begin();
  const bool passed_over = oldest != task.id && now - accepted >= kPatience;
  tasks.passed_over = passed_over ? tasks.passed_over + 1 : 0;
  const double cost = std::max(seconds, kLeast);
  line->second.turns.charge(tenant->first, cost);
  turns_.charge(line->first, cost);
  remove(task);
}

void RunQueue::correct(const Waiting& task, double seconds) {
  if (seconds == 0) return;
  turns_.correct(std::string(task.owner), seconds);
  auto line = lines_.find(task.owner);
  if (line != lines_.end()) line->second.turns.correct(std::string(task.tenant), seconds);
}

NodeTime RunQueue::oldest() const {
  const std::string* owner = turns_.next();
  if (!owner) return kNever;
  const Line& line = lines_.at(*owner);
  return line.tenants.at(*line.turns.next()).by_age.begin()->first;
}

}  // namespace spillway::lessee
