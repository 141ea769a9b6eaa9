#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/sqlite/database.h"
#include "spillway/bytes.h"
#include "spillway/status.h"
#include "spillway/task.h"

namespace spillway::bench {

// An agent's store file, made by the agent's own code with one task, and then given more like it by
// plain SQL on the caller's thread: the least that tables, columns and indexes like these cost. One
// thread.
class OwnerFile {
 public:
  enum class Sync { full, off };
  static Result<OwnerFile> create(const std::string& path, Sync sync, const TaskSpec& spec);

  // Inserts tasks in one transaction.
  Status insert(std::size_t tasks);
  // Makes the file one that an agent can start with.
  Status finish();

 private:
  using Value = std::variant<std::monostate, std::int64_t, std::string, Bytes>;

  OwnerFile(sqlite::Database database, sqlite::Statement statement, std::vector<Value> row)
      : database_(std::move(database)), insert_(std::move(statement)), row_(std::move(row)) {}
  static Result<std::vector<Value>> read_row(const sqlite::Database& database);

  sqlite::Database database_;
  sqlite::Statement insert_;
  std::vector<Value> row_;  // of the first task
  std::uint64_t tasks_ = 1;
};

}  // namespace spillway::bench
