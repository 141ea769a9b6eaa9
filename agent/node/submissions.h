#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "agent/intake/api.h"
#include "agent/node/admission.h"
#include "agent/node/backlog.h"
#include "agent/node/cloud_place.h"
#include "agent/node/dependents.h"
#include "agent/node/node_parts.h"
#include "agent/node/watchers.h"
#include "common/owner/key_book.h"
#include "common/owner/owner.h"

namespace spillway::agent {

// How a task comes in: checked, held against the keys that are known and the budget, and answered
// when it is on disk, or when its refusal is counted there. Loop only.
class Submissions {
 public:
  using Reply = intake::Api::Reply;

  struct Counts {                // since start, unless said otherwise
    std::uint64_t accepted = 0;  // since the store was made
    std::uint64_t buffered = 0;  // while the cloud was away
  };

  Submissions(const NodeOptions& options, const NodeParts& parts, owner::Owner& owner,
              CloudPlace& cloud, Backlog& backlog, Dependents& dependents, Watchers& watchers);

  void submit(wire::SubmitRequest request, Reply reply);
  // Whether a task that is there already and has ended may be unfinished again.
  Status has_room_for(const TaskSpec& spec);
  // While it is drained nothing is let in.
  void set_draining(bool draining) { draining_ = draining; }
  bool draining() const { return draining_; }
  void set_limits(const BudgetLimits& limits) { admission_.set_limits(limits); }
  void set_accepted(std::uint64_t accepted) { counts_.accepted = accepted; }

  // What is let in follows from what the node holds and the machine has left.
  void look_at_budget();
  NodeTime next_look() const { return admission_.next_look(); }
  const Admission& admission() const { return admission_; }
  const Counts& counts() const { return counts_; }

 private:
  // One task of a request.
  struct Wish;
  // The request, answered when each of its tasks is durable or refused.
  struct Request;
  using OneWish = std::shared_ptr<Wish>;

  Result<TaskSpec> admit(const std::shared_ptr<const Bytes>& encoded) const;
  std::optional<store::Refusal> refusal(Band band, std::size_t spec_bytes);
  void turn_away(const OneWish& wish, const store::Refusal& refusal);
  void check_key(const OneWish& wish);
  void check_dependencies(const OneWish& wish);
  void accept(const OneWish& wish, Dependents::Unfinished unfinished);

  const NodeOptions& options_;
  const NodeParts& parts_;
  owner::Owner& owner_;
  CloudPlace& cloud_;
  Backlog& backlog_;
  Dependents& dependents_;
  Watchers& watchers_;
  owner::KeyBook keys_;
  Admission admission_;
  Counts counts_;
  bool draining_ = false;
};

}  // namespace spillway::agent
