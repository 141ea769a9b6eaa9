#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/base/owed.h"
#include "common/lifecycle/owner.h"
#include "common/owner/attempt_history.h"
#include "common/store/owner_journal.h"
#include "spillway/kind.h"
#include "spillway/task.h"
#include "spillway/view.h"

namespace spillway::agent {

// A task in memory: those leased or running, the first of the ready ones, and whatever a commit in
// flight still speaks of.
struct LiveTask : store::JournaledTask {
  NodeTime created{};
  lifecycle::OwnerPolicy policy;
  store::EncodedBytes spec_bytes;
  std::shared_ptr<const TaskSpec> spec;
  const Kind* kind = nullptr;  // null: not known here
  double work = 1;
  owner::AttemptHistory history;
  Explanation explanation;  // of the last grant
  Duration predicted{};     // of the last grant: to its result
  NodeTime offered{};       // when the live OFFER was last sent
  OwedMark owed;            // of that OFFER
  NodeTime timer = kNever;  // as registered in the table
  NodeTime aged = kNever;   // since when it is ready, as registered there
  bool elder = false;       // in the table's turn, though beyond its window

  // Bytes: the spec as it came and as it is read, and what the table needs besides.
  std::uint64_t memory() const {
    constexpr std::uint64_t kBesides = 1024;
    return 2 * (spec_bytes ? spec_bytes->size() : 0) + kBesides;
  }
  store::ReadyKey ready_key() const { return {spec->band, state.deadline, seq}; }
};

}  // namespace spillway::agent
