#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "common/base/fair_turns.h"
#include "spillway/ids.h"
#include "spillway/task.h"
#include "spillway/time.h"

namespace spillway::lessee {

// What waits to run, of all owners. Owners have turns, by the time their runs take, and so have the
// tenants of one owner. A tenant's tasks run by band, deadline and arrival; but while one has
// waited for kPatience, every kTurns-th of the tenant's turns is the oldest one's. So a task starts
// within kPatience and kTurns turns of its tenant for each one that came before it. Pure; one
// thread.
class RunQueue {
 public:
  static constexpr Duration kPatience = std::chrono::seconds(5);
  static constexpr unsigned kTurns = 4;

  struct Waiting {
    TaskId id;
    std::string_view owner, tenant;
    Band band = Band::normal;
    NodeTime deadline{}, accepted{};
  };

  void add(const Waiting& task);
  void remove(const Waiting& task);
  // The next to run, of the owners that `may` run one more.
  using May = std::function<bool(const std::string& owner)>;
  std::optional<TaskId> next(NodeTime now, const May& may) const;
  // The task runs, and is expected to take so many seconds; the queue must still hold it.
  void take(const Waiting& task, double seconds, NodeTime now);
  // The task's run took so many seconds more than was expected, or less.
  void correct(const Waiting& task, double seconds);

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::size_t owners() const { return turns_.size(); }
  // When the oldest came of those whose turn it is; kNever: none waits.
  NodeTime oldest() const;
  template <class F>
  void each(F&& visit) const {
    for (const auto& [owner, line] : lines_) {
      for (const auto& [tenant, tasks] : line.tenants) {
        for (const auto& [accepted, id] : tasks.by_age) visit(id);
      }
    }
  }

 private:
  using Rank = std::tuple<Band, NodeTime, NodeTime, TaskId>;
  struct Tasks {
    std::set<Rank> by_rank;
    std::set<std::pair<NodeTime, TaskId>> by_age;
    unsigned passed_over = 0;  // turns since the oldest had one
  };
  struct Line {
    FairTurns<std::string> turns;
    std::map<std::string, Tasks, std::less<>> tenants;
  };
  static Rank rank_of(const Waiting& task) {
    return {task.band, task.deadline, task.accepted, task.id};
  }
  static bool is_oldest_due(const Tasks& tasks, NodeTime now);

  FairTurns<std::string> turns_;
  std::map<std::string, Line, std::less<>> lines_;  // of those that have something
  std::size_t size_ = 0;
};

}  // namespace spillway::lessee
