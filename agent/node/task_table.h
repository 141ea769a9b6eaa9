#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "agent/node/live_task.h"

namespace spillway::agent {

// The tasks in memory, their order to run in, and their timers. The ready ones are a window: every
// ready task that comes before the window's end is here, the others only on disk. One thread.
class TaskTable {
 public:
  explicit TaskTable(std::size_t max_ready) : max_ready_(max_ready) {}

  // Bytes of tasks to hold at most; beyond them the last ones to run go back to being on disk only.
  void set_room(std::uint64_t bytes) { room_ = bytes; }

  LiveTask* find(std::uint64_t seq);
  const LiveTask* find(std::uint64_t seq) const;
  LiveTask& add(LiveTask task);
  // After a change of state: keeps order and timers true. Whether it may leave memory is for
  // settle.
  void refresh(LiveTask& task);
  // Forgets the task if nothing needs it in memory: no commit in flight speaks of it, and it is
  // finished, waits, or lies beyond the window.
  void settle(std::uint64_t seq);
  // Forgets one that the disk contradicts, whatever speaks of it.
  void drop(std::uint64_t seq) { forget(seq); }

  const std::set<store::ReadyKey>& ready() const { return ready_; }
  // Those that have been ready since `before` or longer, the longest first, as far as they `may`
  // run now; at most `most`, of the first few.
  template <class May>
  std::vector<std::uint64_t> oldest(NodeTime before, std::size_t most, May&& may) const {
    std::vector<std::uint64_t> found;
    std::size_t looked = 0;
    for (const auto& [since, seq] : by_age_) {
      if (since > before || found.size() == most || ++looked > kSlice) break;
      if (may(*find(seq))) found.push_back(seq);
    }
    return found;
  }
  // Of those on disk only, the first of each of these bands ages in memory, see add_elder.
  std::vector<Band> bands_beyond() const;
  void add_elder(LiveTask& task);

  // OFFERs of live epochs without an application ack.
  const std::unordered_set<std::uint64_t>& pending_offers() const { return pending_offers_; }
  NodeTime next_timer() const;
  // When a task that is on disk only is next due; the caller looks there and sets it anew.
  NodeTime disk_due() const { return disk_due_; }
  void set_disk_due(NodeTime due) { disk_due_ = due; }
  // A task whose timer is due at `now`.
  LiveTask* due(NodeTime now);
  template <class F>
  void for_each(F&& visit) {
    for (auto& [seq, task] : tasks_) visit(task);
  }
  std::size_t size() const { return tasks_.size(); }
  // Of the specs in memory.
  std::uint64_t bytes() const { return bytes_; }

  // The window. `needs_refill` is true when it runs low and the disk has more.
  bool needs_refill() const;
  std::optional<store::ReadyKey> refill_after();  // marks a refill as under way
  // A slice at a time: what is to be committed should not wait until all have been read.
  std::size_t refill_count() const { return std::min(max_ready_, kSlice); }
  // `rows` is what the disk had after refill_after(); those not yet in memory are to be added by
  // the caller before this. `last` is the last row's key, `full` whether the disk may have more.
  void refilled(std::optional<store::ReadyKey> last, bool full);
  void refill_failed() { refilling_ = false; }
  void expect_more_on_disk() { more_on_disk_ = true; }
  bool in_window(const store::ReadyKey& key) const;

 private:
  bool needed(const LiveTask& task) const;
  void forget(std::uint64_t seq);
  void trim(std::size_t keep);
  void age(LiveTask& task, bool waits);

  static constexpr std::size_t kSlice = 64;

  std::size_t max_ready_;
  std::unordered_map<std::uint64_t, LiveTask> tasks_;
  std::uint64_t bytes_ = 0;
  std::uint64_t room_ = ~0ULL;
  std::set<store::ReadyKey> ready_;
  std::set<std::pair<NodeTime, std::uint64_t>> by_age_;  // the same, and elders, by since when
  std::set<std::pair<NodeTime, std::uint64_t>> timers_;
  std::unordered_set<std::uint64_t> pending_offers_;
  std::optional<store::ReadyKey> window_end_;  // none: nothing is known of the disk
  NodeTime disk_due_{};                        // the epoch: look at once after a start
  bool more_on_disk_ = false;
  bool refilling_ = false;
  bool left_behind_ = false;  // a ready task stayed on disk while a refill was under way
};

}  // namespace spillway::agent
