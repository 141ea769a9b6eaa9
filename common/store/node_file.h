#pragma once

#include <optional>
#include <string>

#include "common/store/commit_queue.h"
#include "common/store/database.h"
#include "common/store/node_row.h"
#include "common/store/store_report.h"

namespace spillway::store {

// An open store file and its `node` row, which is written with every commit and goes back with
// every rollback. Once damage has shown, the file is marked for quarantine at the next start and
// nothing more is written. Used by one thread at a time.
class NodeFile final : public Committer {
 public:
  static Result<NodeFile> open(Database database, std::string path);

  Status begin() override;
  Status commit() override;
  void rollback() override;
  void failed(const Error& error) override;

  const Database& database() const { return database_; }
  // As in the open transaction.
  NodeRow& node() { return node_; }
  const NodeRow& node() const { return node_; }
  void seen(NodeTime now, Duration wall, std::uint64_t session);

  // Gives a slice of unused pages back to the file system, inside a transaction.
  Status shrink();

  StoreCounts counts() const;
  // `table` has a column `state`. `deep` checks the whole file and the counts.
  Result<StoreReport> report(bool deep, const std::string& table) const;

 private:
  NodeFile(Database database, Statement write_node, NodeRow node, std::string path);
  Result<std::vector<std::string>> problems(const std::string& table) const;

  Database database_;
  Statement write_node_;
  NodeRow node_;
  NodeRow committed_;  // as on disk
  std::string path_;
  std::optional<Error> damage_;
};

}  // namespace spillway::store
