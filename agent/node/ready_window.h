#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/owner/task_table.h"

namespace spillway::agent {

// The order in which ready tasks run, and which of all tasks are in memory. The ready ones are a
// window: every ready task that comes before the window's end is here, the others only on disk.
// Loop only.
class ReadyWindow {
 public:
  ReadyWindow(std::size_t max_ready, owner::TaskTable& tasks)
      : max_ready_(max_ready), tasks_(tasks) {}

  // Bytes of tasks to hold at most; beyond them the last ones to run go back to being on disk only.
  void set_room(std::uint64_t bytes) { room_ = bytes; }

  // Bytes of the tasks in memory: their specs as they came and as they are read, and what is needed
  // besides.
  std::uint64_t bytes() const { return 2 * tasks_.spec_bytes() + kBesides * tasks_.size(); }

  // After a change of state: keeps the order true.
  void changed(owner::OwnedTask& task);
  // Whether the task has to be in memory: not when it is finished, waits, or lies beyond the
  // window.
  bool keeps(const owner::OwnedTask& task) const;
  void forgets(owner::OwnedTask& task);
  // Draws the end nearer where the window has grown too large. True: tasks may now be forgotten.
  bool shrink();

  const std::set<store::ReadyKey>& ready() const { return ready_; }
  // Tasks that have been ready since `before` or longer, the longest first, as far as they `may`
  // run now; at most `most`, of the first few.
  template <class May>
  std::vector<std::uint64_t> oldest(NodeTime before, std::size_t most, May&& may) const {
    std::vector<std::uint64_t> found;
    std::size_t looked = 0;
    for (const auto& [since, seq] : by_age_) {
      if (since > before || found.size() == most || ++looked > kSlice) break;
      if (may(tasks_.at(seq))) found.push_back(seq);
    }
    return found;
  }
  // Bands that may have tasks on disk only; the first one of each ages in memory, see add_elder.
  std::vector<Band> bands_beyond() const;
  void add_elder(owner::OwnedTask& task);

  // When a task that is on disk only is next due; the caller looks there and sets it anew.
  NodeTime disk_due() const { return disk_due_; }
  void set_disk_due(NodeTime due) { disk_due_ = due; }

  // `needs_refill` is true when the window runs low and the disk has more.
  bool needs_refill() const;
  std::optional<store::ReadyKey> refill_after();  // marks a refill as under way
  // A slice at a time: what is to be committed should not wait until all have been read.
  std::size_t refill_count() const { return std::min(max_ready_, kSlice); }
  // The caller has added what the disk had after refill_after() and memory had not. `last` is the
  // last row's key, `full` whether the disk may have more.
  void refilled(std::optional<store::ReadyKey> last, bool full);
  void refill_failed() { refilling_ = false; }
  void expect_more_on_disk() { more_on_disk_ = true; }

 private:
  bool contains(const store::ReadyKey& key) const;
  void trim(std::size_t keep);
  void age(owner::OwnedTask& task, bool waits);

  static constexpr std::size_t kSlice = 64;
  static constexpr std::uint64_t kBesides = 1024;

  std::size_t max_ready_;
  owner::TaskTable& tasks_;
  std::uint64_t room_ = ~0ULL;
  std::set<store::ReadyKey> ready_;
  std::set<std::pair<NodeTime, std::uint64_t>> by_age_;  // the same, and elders, by since when
  std::optional<store::ReadyKey> end_;                   // none: nothing is known of the disk
  NodeTime disk_due_{};                                  // the epoch: look at once after a start
  bool more_on_disk_ = false;
  bool refilling_ = false;
  bool left_behind_ = false;  // a ready task stayed on disk while a refill was under way
};

}  // namespace spillway::agent
