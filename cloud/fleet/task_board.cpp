#include "cloud/fleet/task_board.h"

namespace spillway::cloud {
namespace {

using lifecycle::LeaseState;

bool passes(const OffloadedTask& task, const TaskQuery& query) {
  if (!query.device.empty() && task.device != query.device) return false;
  if (!query.kind.empty() && task.kind != query.kind) return false;
  if (query.state && task.state != *query.state) return false;
  bool failed = task.over() && task.failure != FailureClass::none;
  return !query.failed || *query.failed == failed;
}

}  // namespace

void TaskBoard::note(OffloadedTask task) {
  auto place = places_.find(task.id);
  bool known = place != places_.end();
  OffloadedTask* old = known ? &tasks_[index_of(place->second)] : nullptr;
  // A later epoch of the same task is another run of it.
  tally(old && old->epoch == task.epoch ? old : nullptr, task);
  if (old) {
    // A tombstone knows less.
    if (task.kind.empty()) task.kind = old->kind;
    if (task.trace.empty()) task.trace = old->trace;
    bool same_run = old->epoch == task.epoch;
    if (same_run && old->ended) {
      task.ended = old->ended;
      std::tie(task.ran, task.cpu) = std::tie(old->ran, old->cpu);
    }
    *old = std::move(task);
    return;
  }
  places_[task.id] = first_ + tasks_.size();
  tasks_.push_back(std::move(task));
  while (tasks_.size() > most_) {
    places_.erase(tasks_.front().id);
    tasks_.pop_front();
    ++first_;
  }
}

void TaskBoard::tally(const OffloadedTask* was, const OffloadedTask& now) {
  if (now.kind.empty()) return;
  if (!was && now.state == LeaseState::answered) return;  // of an earlier start
  if (kinds_.size() >= kMaxKinds && !kinds_.contains(now.kind)) return;
  Kind& kind = kinds_[now.kind];
  if (!was) ++kind.accepted;
  if (!now.over() || (was && was->over())) return;
  if (now.failure == FailureClass::none) {
    ++kind.done;
    kind.ran.add(now.ran);
  } else if (now.failure != FailureClass::interrupted) {  // that says nothing of its kind
    ++kind.failed;
  }
}

TaskPage TaskBoard::page(const TaskQuery& query) const {
  TaskPage page;
  std::uint64_t end = std::min<std::uint64_t>(query.before, first_ + tasks_.size());
  for (std::uint64_t place = end; place > first_; --place) {
    const OffloadedTask& task = tasks_[index_of(place - 1)];
    if (!passes(task, query)) continue;
    if (page.tasks.size() == query.limit) {
      page.next = places_.at(page.tasks.back().id);
      break;
    }
    page.tasks.push_back(task);
  }
  return page;
}

std::optional<OffloadedTask> TaskBoard::find(TaskId id) const {
  auto place = places_.find(id);
  if (place == places_.end()) return std::nullopt;
  return tasks_[index_of(place->second)];
}

std::vector<KindTotals> TaskBoard::kinds() const {
  std::vector<KindTotals> totals;
  for (const auto& [name, kind] : kinds_) {
    totals.push_back({name,
                      kind.accepted,
                      kind.done,
                      kind.failed,
                      {kind.ran.quantile(0.5), kind.ran.quantile(0.95)}});
  }
  return totals;
}

}  // namespace spillway::cloud
