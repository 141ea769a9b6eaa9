#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/places.h"
#include "common/lifecycle/owner.h"
#include "common/sqlite/encoded_bytes.h"
#include "common/sqlite/shared_batch.h"
#include "common/sqlite/store_report.h"
#include "common/store/lives.h"
#include "spillway/bytes.h"
#include "spillway/ids.h"
#include "spillway/loss.h"
#include "spillway/status.h"
#include "spillway/task.h"

// What an owner keeps on disk, and the seam it is reached through. Specs, results and explanations
// are opaque bytes here; their encoding is wire's.
namespace spillway::store {

// Tasks that were accepted together have numbers in a row.
struct Together {
  std::uint64_t first = 0;
  std::uint32_t size = 0;  // 0: it came alone
};

// A task as stored. Places are by number: Places::name_of.
struct TaskRow {
  std::uint64_t seq = 0;  // its name: Lives::id_of
  Band band = Band::normal;
  NodeTime created{};
  NodeTime keep_until = kNever;  // of a finished task
  PlaceId only_at;               // the one place where it may run; kNowhere: any
  Together together;
  lifecycle::OwnerTask task;
  sqlite::EncodedBytes spec;    // null in listings
  sqlite::EncodedBytes result;  // of a task not finished: what is known so far; null in listings
};

struct NewTask {
  TaskRow row;
  std::string kind;  // for listings and filters
  std::string tenant;
  std::string idempotency_key;  // empty: none
  NodeTime idempotency_until{};
  Digest wish{};                     // what the key stands for
  std::vector<std::uint64_t> after;  // unfinished tasks it waits for
};

// The task that has an idempotency key, and what the key stands for; null: its version did not keep
// that.
struct KnownKey {
  std::uint64_t seq = 0;
  std::optional<Digest> wish;
};

// Moves a task on. Written only if its row still has `was_state` and `was_epoch` (the fence); when
// it has not, the caller's memory does not match the disk, and this task is refused.
struct TaskUpdate {
  std::uint64_t seq = 0;
  TaskState was_state = TaskState::ready;
  Epoch was_epoch;
  lifecycle::OwnerTask next;
  sqlite::EncodedBytes result;   // set with the step that keeps a result, or knows more of it
  sqlite::EncodedBytes spec;     // with a result: what is left of the spec; null: all of it
  NodeTime keep_until = kNever;  // set with a terminal state
};

enum class EventKind : std::uint8_t {
  accepted = 0,  // not stored: a task's row says it
  granted,       // detail: the encoded explanation
  started,
  offered_back,    // withdrawn, refused or link down
  attempt_failed,  // detail: message
  lease_lost,
  succeeded,  // not stored: the result says it
  failed,
  cancelled,
  expired,
  held,
  released,
  retried,
  recovered,
};
std::string_view to_string(EventKind kind);

struct EventRow {
  std::uint64_t seq = 0;
  NodeTime at{};
  EventKind kind = EventKind::granted;
  Epoch epoch;
  PlaceId place;
  FailureClass failure = FailureClass::none;
  Bytes detail;
};

// The OFFER of one attempt that has no application ack yet. Its bytes are made from the spec when
// sent.
struct OutboxRow {
  std::uint64_t seq = 0;
  Epoch epoch;
  auto operator<=>(const OutboxRow&) const = default;  // NOLINT(modernize-use-nullptr)
};

// What a number in rows stands for.
struct PlaceName {
  PlaceId place;
  std::string name;
};

// Something given up at `at`.
struct LossCount {
  DataClass data = DataClass::tasks;
  LossCause cause = LossCause::disk_budget;
  NodeTime at{};
  std::uint64_t count = 1;
};

// Everything that must become true at once. Applied in this order.
struct Batch {
  std::vector<PlaceName> places;  // that rows speak of from here on
  std::vector<NewTask> inserts;
  std::vector<TaskUpdate> updates;
  std::vector<EventRow> events;
  std::vector<OutboxRow> outbox_put;
  std::vector<OutboxRow> outbox_drop;
  std::vector<std::uint64_t> deps_done;  // these tasks ended: forget who waited for them
  std::vector<LossCount> losses;         // of what never came to the store
  std::vector<LossRow> reported;         // key and count: what the cloud has acknowledged
  std::uint64_t samples = 0;             // of telemetry that were sent
  NodeTime now{};                        // becomes the store's last seen time
  Duration wall{};               // wall time at `now`; 0: not known, the last one known is kept
  std::uint64_t session = 0;     // not 0: becomes the last session number used
  bool restored = false;         // this life began from an earlier copy of the store
  std::vector<KnownLife> peers;  // other nodes' stores that were heard of, by their store
  bool empty() const {
    return places.empty() && inserts.empty() && updates.empty() && events.empty() &&
           outbox_put.empty() && outbox_drop.empty() && deps_done.empty() && losses.empty() &&
           reported.empty() && samples == 0 && session == 0 && !restored && peers.empty();
  }
};

// A task of a batch that the disk contradicts: its row is gone (Code::not_found), or is not what
// the batch takes it for. Nothing that the batch says of it was written; everything else was.
struct RefusedTask {
  std::uint64_t seq = 0;
  Error error;
};
using Refused = std::vector<RefusedTask>;

// What a restart needs; its cost does not depend on how many tasks wait.
struct Recovered {
  Lives lives;                   // with the one that begins now, which the first commit writes
  std::vector<KnownLife> peers;  // of other nodes, by their store
  Places places;                 // that its rows speak of
  std::uint64_t next_seq = 1;
  NodeTime last_seen{};
  Duration wall_at_last_seen{};  // wall time when last_seen was written
  std::uint64_t session = 0;     // the last session number used
  std::vector<TaskRow> live;     // leased and running, with specs
  std::vector<OutboxRow> outbox;
  sqlite::StoreCounts counts;
  std::uint64_t accepted = 0;              // tasks, ever; numbers have gaps
  bool fresh = false;                      // a new store was made
  std::optional<std::string> quarantined;  // path of a damaged file that was set aside, if any
  std::uint64_t salvaged = 0;              // tasks carried over from it
  std::vector<TaskId> lost;                // tasks that were not, of which it is known which
  std::uint64_t damaged = 0;               // tasks lost to damage, ever; at least so many

  // What is said to who misses a task; empty: there never was any damage.
  std::string damage() const;
  // The names of those in `lost`, some to a line.
  std::vector<std::string> lost_names() const;
};

// Ready tasks in the order they are to run: band, deadline, seq.
struct ReadyKey {
  Band band = Band::urgent;
  NodeTime deadline{};
  std::uint64_t seq = 0;
  auto operator<=>(const ReadyKey&) const = default;  // NOLINT(modernize-use-nullptr)
};

struct ListFilter {
  std::optional<TaskState> state;
  std::string kind;              // empty: any
  std::string tenant;            // empty: any
  std::uint64_t before = ~0ULL;  // seq below; newest first
  std::uint32_t limit = 100;     // at most 1000
  PlaceId only_at = {};          // kNowhere: any
  std::string at_tenant = {};    // with it: also of tasks that have their place as their tenant
};

struct ListedTask {
  TaskRow row;  // without spec and result
  std::string kind;
  std::string tenant;
};

// A stored task with everything known of it.
struct TaskDetail {
  TaskRow row;
  std::string kind;
  std::string tenant;
  std::vector<EventRow> events;          // oldest first, the last 100
  std::vector<std::uint64_t> waits_for;  // unfinished dependencies
};

// A task that ended while others still wait for it, because a stop came between its commit and
// theirs.
struct EndedParent {
  std::uint64_t seq = 0;  // 0: there is none
  bool succeeded = false;
  bool anyone_waits = false;  // for any task at all
};

// What a purge did: finished tasks removed, whether there is more to do at once, and when the next
// one is due (kNever: none).
struct Purged {
  std::uint64_t removed = 0;
  bool more = false;
  NodeTime next = kNever;
};

// The loss ledger, and what it is measured against: what was produced of each class, ever, and what
// of it is in the store. Refused tasks count as produced.
struct LossTable {
  std::vector<LossRow> rows;  // by key; old periods are melted together to keep them few
  std::uint64_t produced[kDataClasses] = {};
  std::uint64_t kept[kDataClasses] = {};  // tasks: accepted, ever
};

// What the store takes, as of the last commit.
struct StoreUse {
  std::uint64_t in_use = 0;       // bytes inside the file
  std::uint64_t files = 0;        // bytes of all its files
  std::uint64_t written = 0;      // bytes since the start
  std::uint64_t flash_spent = 0;  // bytes of a day's budget
};

// The owner's store. Calls come from one thread (the loop) and never block on the disk: each is
// queued to the store's own thread in order, and its answer is handed to the poster given at open,
// which runs it on the loop. Reads see every batch committed before them.
class OwnerStore {
 public:
  template <class T>
  using Done = std::function<void(Result<T>)>;

  virtual ~OwnerStore() = default;
  // A batch is one transaction. The answer names the tasks that were left out. On an error nothing
  // of that batch is on disk; the caller keeps it and tries again.
  virtual void commit(sqlite::SharedBatch<Batch> batch, Done<Refused> done) = 0;
  // The first `limit` ready tasks after `after` (exclusive), with specs, at most `max_bytes` of
  // those.
  virtual void ready_after(std::optional<ReadyKey> after, std::size_t limit, std::size_t max_bytes,
                           Done<std::vector<TaskRow>> done) = 0;
  // Waiting tasks whose wake, deadline or start_by is at or before `until`, soonest first, and when
  // the next one after these is due. Ready tasks whose deadline or start_by passed are included.
  struct Due {
    std::vector<TaskRow> rows;
    NodeTime next = kNever;
  };
  virtual void due(NodeTime until, std::size_t limit, Done<Due> done) = 0;
  // One task; by idempotency key; the tasks that wait for one.
  virtual void find(std::uint64_t seq, Done<TaskDetail> done) = 0;
  virtual void list(ListFilter filter, Done<std::vector<ListedTask>> done) = 0;
  virtual void dependents(std::uint64_t seq, Done<std::vector<TaskRow>> done) = 0;
  // The first such task after `seq`. For a restart: it looks at everything that is waited for.
  virtual void ended_parent(std::uint64_t after, Done<EndedParent> done) = 0;
  // The task accepted with this key, if its window is still open at `now`. The task itself may be
  // purged before its window ends.
  virtual void find_idempotent(std::string key, NodeTime now,
                               Done<std::optional<KnownKey>> done) = 0;
  // Removes at most `limit` finished tasks whose keep_until is at or before `now`, with everything
  // kept for them, and gives disk space back in slices.
  virtual void purge(NodeTime now, std::size_t limit, Done<Purged> done) = 0;
  virtual void losses(Done<LossTable> done) = 0;
  virtual StoreUse use() const = 0;
  // `deep` checks the whole file, which takes seconds with a million rows and holds up commits.
  virtual void inspect(bool deep, Done<sqlite::StoreReport> done) = 0;
};

}  // namespace spillway::store
