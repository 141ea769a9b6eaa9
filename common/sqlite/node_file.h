#pragma once

#include <optional>
#include <string>

#include "common/sqlite/commit_queue.h"
#include "common/sqlite/database.h"
#include "common/sqlite/file_meter.h"
#include "common/sqlite/node_row.h"
#include "common/sqlite/store_report.h"

namespace spillway::sqlite {

// An open store file and its `node` row, which is written with every commit and goes back with
// every rollback. Once damage has shown, the file is marked for quarantine at the next start and
// nothing more is written. Used by one thread at a time.
class NodeFile final : public Committer {
 public:
  // Without a meter the file counts nothing.
  static Result<NodeFile> open(Database database, std::string path, SharedMeter meter = nullptr);

  Status begin() override;
  Status commit() override;
  void rollback() override;
  void failed(const Error& error) override;
  void rest() override { database_.forget_pages(); }

  const Database& database() const { return database_; }
  // The row as in the open transaction.
  NodeRow& node() { return node_; }
  const NodeRow& node() const { return node_; }
  void seen(NodeTime now, Duration wall, std::uint64_t session);

  // Gives a slice of unused pages back to the file system, inside a transaction. True when more
  // are worth it.
  Result<bool> shrink();
  // Bytes of pages in use, also of the open transaction.
  Result<std::uint64_t> in_use() const;

  StoreCounts counts() const;
  // `table` has a column `state`. `deep` checks the whole file and the counts.
  Result<StoreReport> report(bool deep, const std::string& table) const;

 private:
  struct Statements {
    Statement begin, commit, write_node, page_count, free_count;
  };
  NodeFile(Database database, Statements statements, NodeRow node, std::string path,
           SharedMeter meter);
  void note_written();
  Result<std::vector<std::string>> problems(const std::string& table) const;

  Database database_;
  Statements sql_;
  NodeRow node_;
  NodeRow committed_;  // as on disk
  std::string path_;
  SharedMeter meter_;               // never null
  std::uint64_t seen_written_ = 0;  // of the meter, as far as it is in the committed row
  std::uint64_t noted_written_ = 0;
  std::optional<Error> damage_;
};

}  // namespace spillway::sqlite
