#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/store/node_file.h"
#include "common/store/owner_sql.h"
#include "common/store/owner_store.h"

namespace spillway::store {

// The owner's tables as plain calls, without threads: applies batches inside a transaction and
// answers queries. Used by one thread at a time. On any error the caller rolls back.
class OwnerTables {
 public:
  struct Options {
    std::uint32_t events_per_task = 100;  // older ones are dropped
  };

  static Result<OwnerTables> open(Database database, const std::string& path,
                                  const Options& options);

  Committer& committer() { return file_; }

  // Writes; between begin and commit.
  Status apply(const Batch& batch);
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
  Result<std::optional<std::uint64_t>> find_idempotent(const std::string& key, NodeTime now) const;
  Result<StoreReport> inspect(bool deep) const;

 private:
  OwnerTables(NodeFile file, OwnerStatements sql, const Options& options);

  Status insert(const NewTask& task, NodeTime now);
  Status insert_row(const NewTask& task);
  Status wait_for(std::uint64_t seq, const std::vector<std::uint64_t>& after);
  Status remember_key(const NewTask& task, NodeTime now);
  Status update(const TaskUpdate& update);
  Status append(const EventRow& event);
  Status put_bulk(std::int64_t id, const EncodedBytes& bytes);
  Status drop_bulk(std::int64_t first, std::int64_t last);
  Status run(Sql sql, std::uint64_t seq);
  Status run(Sql sql, const OutboxRow& row);
  Status forget(std::uint64_t seq);

  struct ReadyPage {
    std::vector<TaskRow> rows;
    std::size_t limit = 0;
    std::size_t bytes_left = 0;
    bool full = false;
  };
  Cursor use_ready(Sql sql, const std::optional<ReadyKey>& after, const ReadyPage& page) const;
  Status fill(ReadyPage& page, Cursor& cursor) const;
  Result<EncodedBytes> read_body(const Cursor& cursor, int column, std::int64_t id) const;
  Result<TaskRow> read_with_spec(const Cursor& cursor) const;
  Result<std::vector<EventRow>> events_of(std::uint64_t seq) const;
  Result<std::vector<std::uint64_t>> waits_of(std::uint64_t seq) const;
  std::uint64_t& count(TaskState state) {
    return file_.node().counts[static_cast<std::size_t>(state)];
  }

  NodeFile file_;
  OwnerStatements sql_;
  Options options_;
};

}  // namespace spillway::store
