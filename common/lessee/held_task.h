#pragma once

#include <memory>
#include <string>

#include "common/base/owed.h"
#include "common/ledger/ledger.h"
#include "common/lessee/run_queue.h"
#include "common/lifecycle/lessee.h"
#include "common/sqlite/encoded_bytes.h"
#include "common/sqlite/journal.h"
#include "common/wire/messages.h"
#include "spillway/kind.h"
#include "spillway/task.h"

namespace spillway::lessee {

// An attempt that was leased to this node, or the tombstone of one.
struct HeldTask : sqlite::Journaled {
  TaskId id;          // here: unique, whatever its owner named it
  TaskId offered;     // what its owner calls it, and every message to it; the same, as a rule
  std::string owner;  // whose task it is, by the name it is heard under
  lifecycle::LesseeTask state;  // the newest; the disk follows
  lifecycle::OfferTerms terms;
  Digest spec_digest{};
  sqlite::EncodedBytes spec_bytes;       // null once answered
  std::shared_ptr<const TaskSpec> spec;  // null once answered
  const Kind* kind = nullptr;
  std::shared_ptr<const wire::ResultItem> answer;  // while done
  sqlite::EncodedBytes result;                     // the same, encoded for the ledger
  NodeTime accepted{}, started{};
  NodeTime ended{};   // when its result came, or, where that is not known, when it was accepted
  ledger::Past past;  // while done or answered
  OwedMark owed;      // of the answer
  std::uint64_t beaten = 0;  // the round of its last BEAT
  std::string tenant;        // one of its owner's
  Band band = Band::normal;
  Epoch run_epoch;            // of the run under way; the lease may since carry a higher one
  std::uint64_t run = 0;      // which one it is; one that was given up may still be under way
  bool crashed = false;       // a run of it here ended so
  NodeTime timer = kNever;    // as registered in the table
  std::uint64_t counted = 0;  // bytes, in its owner's share

  bool held() const {
    return state.state == lifecycle::LeaseState::accepted ||
           state.state == lifecycle::LeaseState::running;
  }
  bool blocking() const { return kind && kind->traits.blocking; }
  // How it waits, or waited, to run.
  RunQueue::Waiting waiting(const lifecycle::LesseeTask& at) const {
    return {id, owner, tenant, band, at.deadline, accepted};
  }
  // Bytes that it takes on disk, and about as many in memory.
  std::uint64_t bytes() const {
    return kBesides + (spec_bytes ? spec_bytes->size() : 0) + (result ? result->size() : 0);
  }
  static constexpr std::uint64_t kBesides = 1024;
};

}  // namespace spillway::lessee
