#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <unordered_map>

#include "cloud/fleet/views.h"
#include "common/base/latency_counts.h"

namespace spillway::cloud {

// The newest tasks that devices gave to the cloud, and totals by kind since start. In memory only:
// what is not done is told again at a start, by the ledger. The loop's.
class TaskBoard {
 public:
  explicit TaskBoard(std::size_t most) : most_(most) {}

  // Takes a task as it is now; the same one again replaces what was known.
  void note(OffloadedTask task);
  TaskPage page(const TaskQuery& query) const;
  std::optional<OffloadedTask> find(TaskId id) const;
  std::vector<KindTotals> kinds() const;  // by name

 private:
  static constexpr std::size_t kMaxKinds = 256;
  struct Kind {
    std::uint64_t accepted = 0, done = 0, failed = 0;
    LatencyCounts ran;
  };
  void tally(const OffloadedTask* was, const OffloadedTask& now);
  std::size_t index_of(std::uint64_t position) const {
    return static_cast<std::size_t>(position - first_);
  }

  std::size_t most_;
  std::deque<OffloadedTask> tasks_;  // oldest first
  std::uint64_t first_ = 1;          // position of the oldest
  std::unordered_map<TaskId, std::uint64_t> places_;
  std::map<std::string, Kind> kinds_;
};

}  // namespace spillway::cloud
