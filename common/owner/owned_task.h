#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/base/owed.h"
#include "common/lifecycle/owner.h"
#include "common/owner/attempt_history.h"
#include "common/owner/owner_journal.h"
#include "spillway/kind.h"
#include "spillway/task.h"
#include "spillway/view.h"

namespace spillway::owner {

class OfferBook;

// What the book of another place keeps with a task that has an attempt there.
struct Away {
  OfferBook* there = nullptr;
  PlaceId place;
  double seconds = 0;  // that the attempt is taken to run
  NodeTime offered{};  // when its OFFER was last sent
  OwedMark owed;       // of that OFFER
};

// A task that its owner has in memory.
struct OwnedTask : owner::JournaledTask {
  NodeTime created{};
  lifecycle::OwnerPolicy policy;
  sqlite::EncodedBytes spec_bytes;  // may be null where the disk has spoiled it
  std::shared_ptr<const TaskSpec> spec;
  bool in_group = false;  // others of which may have the same bytes and spec
  AttemptHistory history;
  PlaceId only_at;         // the one place where it may run; kNowhere: any
  std::vector<Away> away;  // one for each other place with a live attempt
  OnDisconnect on_disconnect = OnDisconnect::wait;
  Explanation explanation;   // of the last grant; empty where nothing was weighed
  Duration predicted{};      // of the last grant: to its result
  double seconds_there = 0;  // that it is taken to run where the next grant leases it to
  NodeTime timer = kNever;   // as registered in the table

  // What a node needs that runs attempts itself.
  const Kind* kind = nullptr;  // null: not known here
  double work = 1;
  NodeTime aged = kNever;  // since when it is ready, as registered in the window
  bool elder = false;      // in the window's turn, though beyond its end

  std::size_t spec_size() const { return spec_bytes ? spec_bytes->size() : 0; }
  bool urgent() const { return spec->band <= Band::high; }
  // Null: it has no live attempt there.
  Away* away_at(PlaceId place) {
    for (Away& one : away) {
      if (one.place == place) return &one;
    }
    return nullptr;
  }
  store::ReadyKey ready_key() const { return {spec->band, state.deadline, seq}; }
};

}  // namespace spillway::owner
