#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/sqlite/disk_plan.h"
#include "common/sqlite/node_file.h"
#include "common/store/life_rows.h"
#include "common/store/owner_sql.h"
#include "common/store/owner_store.h"
#include "common/store/shared_specs.h"
#include "spillway/budget.h"

namespace spillway::store {

// The owner's tables as plain calls, without threads: applies batches inside a transaction and
// answers queries. Used by one thread at a time. On any error the caller rolls back.
class OwnerTables {
 public:
  struct Options {
    std::uint32_t events_per_task = 100;  // older ones are dropped
    std::uint32_t spare_specs = 64;       // see drop_spare_specs()
    BudgetLimits budget;
  };

  static Result<OwnerTables> open(sqlite::Database database, const std::string& path,
                                  const Options& options, sqlite::SharedMeter meter = nullptr);

  // A process opened the store; the first batch that is applied writes it. Once.
  void begin_life(Origin drawn) { lives_.begin(drawn, file_.node().next_seq); }

  sqlite::Committer& committer() { return file_; }

  // Writes; between begin and commit.
  Result<Refused> apply(const Batch& batch);
  Result<Purged> purge(NodeTime now, std::size_t limit);

  Result<Recovered> recover() const;
  Result<std::vector<TaskRow>> ready_after(const std::optional<ReadyKey>& after, std::size_t limit,
                                           std::size_t max_bytes) const;
  Result<OwnerStore::Due> due(NodeTime until, std::size_t limit) const;
  Result<TaskDetail> find(std::uint64_t seq) const;
  // Looks at `slice` tasks below `filter.before` and appends those that match. Moves `before` on;
  // 0 when there are no more.
  Status list(ListFilter& filter, std::size_t slice, std::vector<ListedTask>& found) const;
  Result<std::vector<TaskRow>> dependents(std::uint64_t seq) const;
  Result<EndedParent> ended_parent(std::uint64_t after) const;
  Result<std::optional<KnownKey>> find_idempotent(const std::string& key, NodeTime now) const;
  Result<LossTable> losses() const;
  // Tasks, ever.
  Result<std::uint64_t> accepted() const;
  Result<sqlite::StoreReport> inspect(bool deep) const;

 private:
  OwnerTables(sqlite::NodeFile file, OwnerStatements sql, const Options& options);

  Status keep_name(const PlaceName& known);
  Status write_tasks(const Batch& batch, Refused& refused);
  Status write_steps(const Batch& batch, const Refused& refused);
  Status insert(const NewTask& task, NodeTime now);
  Status take_back(const NewTask& task, Error why);
  Status insert_row(const NewTask& task, std::int64_t shared);
  Status wait_for(std::uint64_t seq, const std::vector<std::uint64_t>& after);
  Status remember_key(const NewTask& task, NodeTime now);
  Status update(const TaskUpdate& update);
  Error does_not_match(const TaskUpdate& change);
  Status abridge(const TaskUpdate& change);
  Result<bool> stop_sharing(std::uint64_t seq);
  Status append(const EventRow& event);
  Status put_bulk(std::int64_t id, const sqlite::EncodedBytes& bytes);
  Status drop_bulk(std::int64_t first, std::int64_t last);
  Status run(Sql sql, std::uint64_t seq);
  Status run(Sql sql, const OutboxRow& row);
  Status count_end(const TaskUpdate& change);

  // owner_room.cpp: what gives way when there is no room, and what is counted of it.
  struct Ended {
    std::uint64_t seq = 0;
    TaskState state = TaskState::succeeded;
    Band band = Band::normal;
    Duration kept{};  // from its end to when it goes
    std::int64_t shared = 0;
  };
  Status make_room(const Batch& batch);
  Status drop_spare_specs();
  Status drop_results(std::uint64_t count, LossCause cause, const Batch& batch);
  Status drop_oldest_events(std::uint64_t count, LossCause cause, NodeTime now);
  Status drop_events(std::int64_t first, std::int64_t last, LossCause cause, NodeTime now);
  Status drop_keys();
  // A slice at a time; true when there was something to drop in it.
  Result<bool> sweep_events(NodeTime now, std::size_t slice);
  std::optional<LossCause> refuses_events() const;
  Status forget(const Ended& task, LossCause cause, NodeTime now);
  // Finished tasks that go by `until`, the first to go first.
  Result<std::vector<Ended>> finished(NodeTime until, std::size_t limit) const;

  struct ReadyPage {
    std::vector<TaskRow> rows;
    std::size_t limit = 0;
    std::size_t bytes_left = 0;
    bool full = false;
  };
  sqlite::Cursor use_ready(Sql sql, const std::optional<ReadyKey>& after,
                           const ReadyPage& page) const;
  Status fill(ReadyPage& page, sqlite::Cursor& cursor) const;
  Result<sqlite::EncodedBytes> read_body(const sqlite::Cursor& cursor, int column,
                                         std::int64_t id) const;
  Result<sqlite::EncodedBytes> read_spec(const sqlite::Cursor& cursor, const TaskRow& row) const;
  Result<TaskRow> read_whole(const sqlite::Cursor& cursor) const;
  Result<Places> places() const;
  Result<std::vector<EventRow>> events_of(std::uint64_t seq) const;
  Result<std::vector<std::uint64_t>> waits_of(std::uint64_t seq) const;
  std::uint64_t changed() const { return static_cast<std::uint64_t>(file_.database().changes()); }
  std::uint64_t& produced(DataClass data) {
    return file_.node().produced[static_cast<std::size_t>(data)];
  }
  std::uint64_t results() const;
  bool is_filled_by_results() const;
  std::uint64_t& count(TaskState state) {
    return file_.node().counts[static_cast<std::size_t>(state)];
  }

  sqlite::NodeFile file_;
  OwnerStatements sql_;
  LifeRows lives_;
  SharedSpecs specs_;
  Options options_;
  sqlite::DiskPlan plan_;
  std::uint64_t in_use_ = 0;  // bytes, as the open transaction began
  // Tasks whose spec lies apart and, once their end is on disk, in the row as well, abridged. What
  // is forgotten here goes with its task.
  std::vector<std::uint64_t> spare_specs_;
  std::int64_t swept_ = 0;  // events up to here were looked at for their age
};

}  // namespace spillway::store
