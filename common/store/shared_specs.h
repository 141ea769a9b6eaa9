#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/sqlite/database.h"
#include "common/store/owner_sql.h"
#include "common/store/owner_store.h"

namespace spillway::store {

// Inside a transaction: a file with shared specs can only be used by versions that know them, and
// says so; one without them by those before, too.
Status settle_since(const sqlite::Database& database);

// What contradicts that, and each other, in the whole file.
Result<std::vector<std::string>> shared_problems(const sqlite::Database& database);

// Their bytes, with their digest in the column behind them. `corrupt`: they are not what was
// written.
Result<sqlite::EncodedBytes> read_shared(const sqlite::Cursor& cursor, int column);

// The table `spec`: what several tasks of a group have as their spec is there once, under a number
// that each of them has in its row, and goes with the last of them. Used by one thread at a time.
class SharedSpecs {
 public:
  // Before the writes of a transaction, or of a part of it.
  void begin();
  // The number under which the task shares its spec, which is written if it is not there yet; 0: it
  // is to have its own. A small one costs less in each row, and any version reads it there.
  Result<std::int64_t> share(const OwnerStatements& sql, const TaskRow& task);
  // A task that named it is gone, or has a spec of its own now. 0: it named none.
  void left(std::int64_t id);
  // After the writes: those that nobody names any more go.
  Status settle(const sqlite::Database& database, const OwnerStatements& sql);

  // As long as anybody holds the bytes, they are not read again. Null: there is none. `corrupt`: it
  // is not what was written.
  Result<sqlite::EncodedBytes> read(const OwnerStatements& sql, std::int64_t id) const;
  // The bytes that were read last of a group's task and are held somewhere, where these are the
  // same.
  sqlite::EncodedBytes same(sqlite::EncodedBytes bytes) const;

 private:
  using Held = std::weak_ptr<const Bytes>;

  void hold(std::int64_t id, const sqlite::EncodedBytes& bytes) const;

  Held last_shared_;  // in this transaction; a group's tasks come in a row
  std::int64_t last_id_ = 0;
  std::vector<std::int64_t> touched_;          // may be named by nobody now
  mutable std::map<std::int64_t, Held> held_;  // of numbers that never stand for anything else
  mutable Held last_read_;
};

}  // namespace spillway::store
