#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/node/dispatched_tasks.h"
#include "agent/node/models.h"
#include "agent/node/node_parts.h"
#include "common/base/gate.h"
#include "common/owner/owner.h"
#include "common/runner/claims.h"
#include "spillway/view.h"

namespace spillway::agent {

// This device as a place where its own tasks run: the cores they have claimed, and what became of
// them there. Loop only.
class LocalPlace final : public owner::LocalRuns {
 public:
  LocalPlace(const NodeOptions& options, const NodeParts& parts, owner::Owner& owner,
             Models& models, const DispatchedTasks& dispatched);

  // This device as placement is to see it.
  placement::Place place() const;
  // How long a task would wait behind all that was claimed.
  placement::Estimate wait_behind() const;
  // Whether a thread is free for a blocking kind.
  bool has_thread() const { return claims_.blocking() < own_threads(); }
  // Whether there is something to do for one more short task, though no core is free.
  bool may_claim_ahead(const owner::OwnedTask& task) const;

  // A task was granted to this place.
  void take_core(const owner::OwnedTask& task);
  // Whether a core with nothing to do waits for claims that no commit speaks of yet.
  bool waits_for_commit() const;
  void on_commit_handed_over() { new_claims_ = 0; }

  const runner::Claims& claims() const { return claims_; }
  std::uint64_t done() const { return done_; }                  // successes, since start
  const std::vector<KindRef>& kinds() const { return kinds_; }  // sorted

  void run_here(std::uint64_t seq, Epoch epoch) override;
  void stop_here(TaskId id, Epoch epoch) override;
  std::optional<NodeTime> begun_here(TaskId id, Epoch epoch) const override;
  bool may_have_begun(TaskId id) const override;

 private:
  std::uint32_t own_threads() const;
  placement::Estimate soonest_core() const;
  double predicted_run(const owner::OwnedTask& task) const;
  void free_core(std::uint64_t seq, Epoch epoch);
  void on_outcome(runner::Outcome outcome);
  void take_outcome(owner::OwnedTask& task, runner::Outcome outcome);
  NodeTime on_line(Duration boot_time) const;

  const NodeOptions& options_;
  const NodeParts& parts_;
  owner::Owner& owner_;
  Models& models_;
  const DispatchedTasks& dispatched_;
  std::vector<KindRef> kinds_;
  // Fewer ahead than in the cloud, for what is new here is done around them.
  runner::Claims claims_{128};
  std::uint32_t new_claims_ = 0;  // of them, those that no commit speaks of yet
  std::uint64_t done_ = 0;
  Gate gate_;
};

}  // namespace spillway::agent
