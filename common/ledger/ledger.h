#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/ledger/loss_book.h"
#include "common/lifecycle/lessee.h"
#include "common/sqlite/encoded_bytes.h"
#include "common/sqlite/shared_batch.h"
#include "spillway/bytes.h"
#include "spillway/ids.h"
#include "spillway/status.h"
#include "spillway/task.h"

// The lessee's durable record of what it accepted and answered: one row a task, the highest epoch
// offered. Specs and results are opaque bytes here. The seam that a second database implements.
namespace spillway::ledger {

// How a run that is over went, for people: also when its spec and its result are gone.
struct Past {
  std::string kind;  // empty: nothing is known, as of what an earlier version answered
  Band band = Band::normal;
  NodeTime started{};  // zero: it never was
  NodeTime ended{};    // zero: not known
  Duration ran{}, cpu{};
  bool operator==(const Past&) const = default;
};

struct LedgerRow {
  TaskId id;  // in this ledger: its owner's name for it, or see `named`
  std::string device;
  lifecycle::LesseeTask task;
  Digest spec_digest{};
  NodeTime accepted{};
  sqlite::EncodedBytes spec;  // null once answered
  // An encoded result item, while done; read as no bytes when the disk has spoiled it.
  sqlite::EncodedBytes result;
  // The origin in its owner's name for it, where another owner's row has, or had, that name.
  std::optional<Origin> named;
  Past past = {};

  TaskId offered() const { return {named.value_or(id.origin), id.seq}; }
};

// Moves a row on, only if it still has was_state and was_epoch; when not, this row is refused.
struct LedgerUpdate {
  TaskId id;
  lifecycle::LeaseState was_state = lifecycle::LeaseState::accepted;
  Epoch was_epoch;
  lifecycle::LesseeTask next;
  sqlite::EncodedBytes spec;    // set when a new run begins on an answered row
  sqlite::EncodedBytes result;  // set with `done`; an answered row keeps neither
  Past past = {};               // kept of rows that are done or answered
};

// A row of a batch that the disk contradicts: it is gone (Code::not_found), or is not what the
// batch takes it for. Nothing of it was written; everything else was.
struct RefusedRow {
  TaskId id;
  Error error;
};
using Refused = std::vector<RefusedRow>;

struct LedgerBatch {
  std::vector<LedgerRow> inserts;  // replace a tombstone of the same id and device
  std::vector<LedgerUpdate> updates;
  std::vector<std::pair<std::string, wire::LossReport>> losses;  // by device
  std::vector<std::pair<std::string, wire::LossEntry>> lost;     // here, of a device's; added up
  NodeTime now{};
  Duration wall{};
  std::uint64_t session = 0;  // not 0: becomes the last session number used
  bool empty() const {
    return losses.empty() && lost.empty() && inserts.empty() && updates.empty() && session == 0;
  }
};

struct LedgerRecovered {
  NodeTime last_seen{};
  Duration wall_at_last_seen{};
  std::uint64_t session = 0;
  std::vector<LedgerRow> held;      // accepted, running and done, with specs and results
  std::vector<LedgerRow> answered;  // the newest tombstones, at most as many as asked for at open
  std::optional<std::string> quarantined;
};

// Calls come from the loop, do not block on the disk, and are answered on the loop, in order.
class Ledger {
 public:
  template <class T>
  using Done = std::function<void(Result<T>)>;

  virtual ~Ledger() = default;
  // The answer names the rows that were left out. On an error nothing of the batch is on disk.
  virtual void commit(sqlite::SharedBatch<LedgerBatch> batch, Done<Refused> done) = 0;
  // Also tombstones; nullopt: never seen, or pruned.
  virtual void find(TaskId id, Done<std::optional<LedgerRow>> done) = 0;
  // What the device reported lost so far, reconciled.
  virtual void losses(std::string device, Done<LossBook> done) = 0;
  // Removes at most `limit` of the oldest tombstones beyond `keep`, or answered before `before`,
  // and says which.
  virtual void prune(NodeTime before, std::size_t keep, std::size_t limit,
                     Done<std::vector<TaskId>> done) = 0;
};

}  // namespace spillway::ledger
