#pragma once

#include <memory>
#include <string>
#include <tuple>

#include "common/base/owed.h"
#include "common/lifecycle/lessee.h"
#include "common/store/encoded_bytes.h"
#include "common/wire/messages.h"
#include "spillway/kind.h"
#include "spillway/task.h"

namespace spillway::lessee {

// An attempt that was leased to this node, or the tombstone of one.
struct HeldTask {
  TaskId id;
  std::string owner;            // whose task it is, by the name it is heard under
  lifecycle::LesseeTask state;  // the newest; the disk follows
  lifecycle::OfferTerms terms;
  Digest spec_digest{};
  store::EncodedBytes spec_bytes;        // null once answered
  std::shared_ptr<const TaskSpec> spec;  // null once answered
  const Kind* kind = nullptr;
  std::shared_ptr<const wire::ResultItem> answer;  // while done
  store::EncodedBytes result;                      // the same, encoded for the ledger
  NodeTime accepted{}, started{};
  OwedMark owed;             // of the answer
  std::uint64_t beaten = 0;  // the round of its last BEAT
  Band band = Band::normal;
  Epoch run_epoch;       // of the run under way; the lease may since carry a higher one
  bool crashed = false;  // a run of it here ended so
  unsigned unsaved = 0;

  bool held() const {
    return state.state == lifecycle::LeaseState::accepted ||
           state.state == lifecycle::LeaseState::running;
  }
  // Order to run in: band, deadline, arrival.
  using RunKey = std::tuple<Band, NodeTime, NodeTime, TaskId>;
  RunKey run_key(const lifecycle::LesseeTask& at) const {
    return {band, at.deadline, accepted, id};
  }
};

}  // namespace spillway::lessee
