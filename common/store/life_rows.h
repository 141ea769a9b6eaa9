#pragma once

#include <vector>

#include "common/sqlite/node_file.h"
#include "common/store/owner_sql.h"
#include "common/store/owner_store.h"

namespace spillway::store {

// The lives of an owner's store, of which the newest is on disk once the node row says so, and
// those of other stores that it was told of. What writes belongs between begin and commit.
class LifeRows {
 public:
  Status read(const sqlite::NodeFile& file, const OwnerStatements& sql);
  // The lives that Sql::lives gives.
  static Result<std::vector<Life>> collect(sqlite::Cursor rows);
  // A process opened the store; the first batch that is noted writes it. Once.
  void begin(Origin drawn, std::uint64_t next_seq) { lives_.begin(drawn, next_seq); }
  Status note(sqlite::NodeFile& file, const OwnerStatements& sql, const Batch& batch);

  const Lives& all() const { return lives_; }
  static Result<std::vector<KnownLife>> peers(const OwnerStatements& sql);

 private:
  Status note_newest(sqlite::NodeFile& file, const OwnerStatements& sql);
  Status forget_old(const OwnerStatements& sql) const;

  Lives lives_;
};

}  // namespace spillway::store
