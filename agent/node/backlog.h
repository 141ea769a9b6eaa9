#pragma once

#include <vector>

#include "agent/node/cloud_place.h"
#include "agent/node/local_place.h"
#include "agent/node/node_parts.h"
#include "agent/node/ready_window.h"
#include "common/base/gate.h"
#include "common/owner/owner.h"

namespace spillway::agent {

// The tasks that are on disk only, and when they come into memory: the next ones to run, those
// whose time has come, and of each band the one that has waited longest. Loop only.
class Backlog {
 public:
  Backlog(const NodeOptions& options, const NodeParts& parts, owner::Owner& owner,
          const Models& models, const LocalPlace& local, const CloudPlace& cloud);

  ReadyWindow& window() { return window_; }
  const ReadyWindow& window() const { return window_; }

  void on_timers();
  NodeTime due() const { return looking_ ? kNever : window_.disk_due(); }
  // After a commit: what lies beyond the window leaves memory.
  void shrink();
  // No place can run it as things are; that is looked at again.
  void set_aside(owner::OwnedTask& task, const std::string& why);

 private:
  void refill();
  void look_on_disk();
  void take_due(const std::vector<store::TaskRow>& rows);
  void look_again_later(owner::OwnedTask& task);
  void look_for_elders();

  const NodeOptions& options_;
  const NodeParts& parts_;
  owner::Owner& owner_;
  const Models& models_;
  const LocalPlace& local_;
  const CloudPlace& cloud_;
  ReadyWindow window_;
  bool looking_ = false;  // a look for due tasks is under way
  NodeTime next_elders_{};
  Gate gate_;
};

// What placement needs of a task.
placement::Candidate candidate_of(const owner::OwnedTask& task, NodeTime now);

// While a task has been ready for so long, every so many-th core goes to the one that waits
// longest, whatever is more urgent.
inline constexpr Duration kElderly = std::chrono::seconds(5);

}  // namespace spillway::agent
