#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "common/base/owed.h"
#include "common/lessee/held_task.h"
#include "common/runner/claims.h"

namespace spillway::lessee {

// When a lessor is next told what is held here, and in which round it was last.
struct BeatPace {
  static constexpr Duration kMost = std::chrono::seconds(10);
  NodeTime next{};
  std::uint64_t round = 0;
};

// A node that leases tasks to this one, by the name that its messages come under.
struct Lessor {
  static constexpr Duration kResendAfter = std::chrono::seconds(5);

  explicit Lessor(std::string name_) : name(std::move(name_)) {}
  const std::string name;
  bool online = false;
  BootId boot;
  std::uint64_t session = 0;
  std::uint32_t held = 0;   // its attempts here, not done
  std::uint32_t kept = 0;   // and those that are done, until it has the answer
  std::uint64_t bytes = 0;  // of them
  runner::Claims::Share runs;
  Owed<TaskId> results{kResendAfter};
  BeatPace beats;
  bool in_line = false;  // may have results to send
  bool untold = false;   // does not know the room it has
};

// The attempts held here, the tombstones of those that were, when each is looked at next, and what
// each lessor has here. A lessor can touch only what it offered itself: two that name a task alike
// have a task each, of which the second goes by a name drawn here. Pure; one thread.
class LeaseTable {
 public:
  struct Names {
    std::function<bool(TaskId)> taken;  // by this node itself; none: no name is
    std::function<std::uint64_t()> random;
  };
  // Answers are kept for so long.
  LeaseTable(Names names, Duration keep_answers)
      : names_(std::move(names)), keep_answers_(keep_answers) {}

  HeldTask* find(TaskId id);
  const HeldTask* find(TaskId id) const;
  HeldTask* find(const std::string& lessor, TaskId offered);
  // The task that something in memory names; not to have it here is a bug.
  HeldTask& at(TaskId id);
  // Adds a task that was not here, under a name of its own; to be tracked when its state is set.
  HeldTask& add(const std::string& lessor, TaskId offered);
  // Adds a task as the disk has it.
  HeldTask& put(HeldTask task);
  // Keeps counts and timers in step with the task's state.
  void track(HeldTask& task, const lifecycle::LesseeTask& was);
  void forget(HeldTask& task);
  // Forgets the oldest tombstones beyond so many, as far as the disk has them.
  void bury(std::size_t most);

  Lessor& lessor(const std::string& name) { return lessors_.try_emplace(name, name).first->second; }
  const Lessor* known(const std::string& name) const;
  std::unordered_map<std::string, Lessor>& lessors() { return lessors_; }
  std::size_t known_lessors() const { return lessors_.size(); }
  void set_online(Lessor& lessor, bool online);

  HeldTask* due(NodeTime time);
  NodeTime next_timer() const { return timers_.empty() ? kNever : timers_.begin()->first; }

  // Visits all but tombstones, in no order.
  template <class F>
  void each(F&& look) {
    for (auto& [id, task] : tasks_) {
      if (task.state.state != lifecycle::LeaseState::answered) look(task);
    }
  }
  template <class F>
  void each(F&& look) const {
    for (const auto& [id, task] : tasks_) {
      if (task.state.state != lifecycle::LeaseState::answered) look(task);
    }
  }

  std::uint32_t held() const { return held_; }      // accepted or running
  std::uint32_t kept() const { return kept_; }      // and those not answered
  std::uint64_t bytes() const { return bytes_; }    // of these
  std::uint32_t online() const { return online_; }  // lessors that are there

 private:
  void count(HeldTask& task);

  Names names_;
  Duration keep_answers_;
  std::unordered_map<TaskId, HeldTask> tasks_;
  std::map<std::pair<std::string, TaskId>, TaskId> renamed_;  // by lessor and its name for it
  std::deque<TaskId> tombstones_;                             // oldest first
  std::set<std::pair<NodeTime, TaskId>> timers_;
  std::unordered_map<std::string, Lessor> lessors_;
  std::uint32_t held_ = 0, kept_ = 0, online_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace spillway::lessee
