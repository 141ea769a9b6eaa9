#pragma once

#include <cstdint>
#include <vector>

#include "agent/node/backlog.h"
#include "agent/node/cloud_place.h"
#include "agent/node/local_place.h"
#include "agent/node/node_parts.h"
#include "common/owner/owner.h"

namespace spillway::agent {

// Which ready task is granted to which place, as soon as a core or room on the uplink is free:
// placement decides, this asks it and keeps to the windows. Loop only.
class Scheduler {
 public:
  Scheduler(const NodeOptions& options, owner::Owner& owner, const Models& models,
            LocalPlace& local, CloudPlace& cloud, Backlog& backlog);

  void schedule();
  // Offers that the link has swallowed, or nearly: those that would be done here sooner come back.
  void review_offers();
  NodeTime next_review() const { return next_review_; }

 private:
  using Candidates = std::vector<placement::Candidate>;
  Candidates candidates();
  placement::Candidate candidate(std::uint64_t seq, NodeTime now) const;
  bool gives_up_disconnected(const owner::OwnedTask& task) const;
  void set_aside_impossible(Candidates& ready, const placement::Place& local,
                            const placement::Place& cloud);
  void grant_local(Candidates& ready, placement::Place& local, const placement::Place& cloud);
  void grant_cloud(Candidates& ready, const placement::Place& local, placement::Place& cloud);
  bool grant(std::uint64_t seq, PlaceId place, Explanation explanation);

  const NodeOptions& options_;
  owner::Owner& owner_;
  const Models& models_;
  LocalPlace& local_;
  CloudPlace& cloud_;
  Backlog& backlog_;
  std::vector<std::uint64_t> elders_;  // the candidates that have waited longest, in their turn
  unsigned passed_over_ = 0;           // cores given to others since one of them had one
  NodeTime next_review_ = kNever;
};

}  // namespace spillway::agent
