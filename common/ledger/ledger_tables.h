#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "common/ledger/ledger.h"
#include "common/ledger/loss_tables.h"
#include "common/sqlite/node_file.h"

namespace spillway::ledger {

enum class Sql : std::uint8_t {
  insert,
  update,
  update_body,
  answer,
  put_bulk,
  drop_bulk,
  find,
  held,
  answered,
  bulk,
  oldest,
  drop,
  drop_tombstone,
  count_,
};
const std::string& sql_text(Sql sql);

// The ledger's tables as plain calls, without threads. Used by one thread at a time. On any error
// the caller rolls back.
class LedgerTables {
 public:
  // Without a meter the file counts nothing.
  static Result<LedgerTables> open(sqlite::Database database, const std::string& path,
                                   const sqlite::SharedMeter& meter = nullptr);
  sqlite::Committer& committer() { return file_; }

  // Writes; between begin and commit.
  Result<Refused> apply(const LedgerBatch& batch);
  Result<std::vector<TaskId>> prune(NodeTime before, std::size_t keep, std::size_t limit);

  Result<LedgerRecovered> recover(std::size_t answered) const;
  Result<std::optional<LedgerRow>> find(TaskId id) const;
  Result<LossBook> losses(const std::string& device) const { return losses_.book(device); }
  Result<sqlite::StoreReport> inspect(bool deep) const { return file_.report(deep, "lease"); }

 private:
  using Statements = std::array<sqlite::Statement, static_cast<std::size_t>(Sql::count_)>;
  LedgerTables(sqlite::NodeFile file, Statements sql, LossTables losses);

  sqlite::Cursor use(Sql sql) const { return sql_[static_cast<std::size_t>(sql)].use(); }
  sqlite::Cursor use(Sql sql, TaskId id) const;
  Status insert(const LedgerRow& row, NodeTime now);
  Status insert_row(const LedgerRow& row, NodeTime now);
  Result<bool> drop_tombstone(const LedgerRow& by);
  Status update(const LedgerUpdate& update, NodeTime now);
  Status put_bulk(TaskId id, std::int64_t part, const sqlite::EncodedBytes& bytes);
  Error does_not_match(const LedgerUpdate& change) const;
  Status drop_rows(sqlite::Cursor cursor, std::vector<TaskId>& dropped);
  Result<std::vector<LedgerRow>> read_rows(sqlite::Cursor cursor) const;
  Result<LedgerRow> read_row(const sqlite::Cursor& cursor) const;
  Result<sqlite::EncodedBytes> read_body(const sqlite::Cursor& cursor, int column, TaskId id,
                                         std::int64_t part) const;
  std::uint64_t& count(lifecycle::LeaseState state) {
    return file_.node().counts[static_cast<std::size_t>(state)];
  }

  sqlite::NodeFile file_;
  Statements sql_;
  LossTables losses_;
};

}  // namespace spillway::ledger
