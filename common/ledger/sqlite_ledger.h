#pragma once

#include <memory>
#include <string>

#include "common/ledger/ledger.h"
#include "common/ledger/ledger_tables.h"
#include "common/sqlite/commit_queue.h"
#include "common/sqlite/store_file.h"

namespace spillway::ledger {

// The ledger in one SQLite file, held exclusively, by one thread at a time. Calls from any one
// thread; answers come through the poster. The destructor commits and answers what is queued
// and closes.
//
// A damaged file is set aside at open and a new ledger begins: nothing is carried over, because
// owners offer again what was not answered, and refuse what they have.
class SqliteLedger final : public Ledger {
 public:
  struct Options {
    sqlite::FileOptions file{.cache_kib = 8192, .disk = 0, .meter = nullptr};
    std::size_t answered = 0;  // tombstones to recover
    sqlite::CommitQueue::Limits limits;
  };
  struct Opened {
    std::unique_ptr<SqliteLedger> ledger;
    LedgerRecovered recovered;
  };
  // Blocks on the disk.
  static Result<Opened> open(const std::string& path, sqlite::Poster poster,
                             const Options& options);
  static Result<Opened> open(const std::string& path, sqlite::Poster poster);

  void commit(sqlite::SharedBatch<LedgerBatch> batch, Done<Refused> done) override;
  void find(TaskId id, Done<std::optional<LedgerRow>> done) override;
  void losses(std::string device, Done<LossBook> done) override;
  void prune(NodeTime before, std::size_t keep, std::size_t limit,
             Done<std::vector<TaskId>> done) override;
  // `deep` checks the whole file and holds up commits meanwhile. Counts are by LeaseState.
  void inspect(bool deep, Done<sqlite::StoreReport> done);

 private:
  SqliteLedger(LedgerTables tables, sqlite::Poster poster,
               const sqlite::CommitQueue::Limits& limits);

  LedgerTables tables_;
  sqlite::CommitQueue queue_;  // last: its thread uses the tables
};

}  // namespace spillway::ledger
