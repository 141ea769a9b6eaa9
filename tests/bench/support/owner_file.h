#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/store/database.h"
#include "spillway/bytes.h"
#include "spillway/status.h"
#include "spillway/task.h"

namespace spillway::bench {

// An agent's store file, made by the agent's own code and then written by hand, on the caller's
// thread: the least that tables, columns and indexes like these cost. One thread.
class OwnerFile {
 public:
  enum class Sync { full, off };
  static Result<OwnerFile> create(const std::string& path, Sync sync);

  // One transaction that inserts as many tasks of this spec as they are when accepted.
  Status insert(std::size_t count, const TaskSpec& spec, const Bytes& encoded);
  // Makes the file one that an agent can start with.
  Status finish();

 private:
  OwnerFile(store::Database database, store::Statement statement)
      : database_(std::move(database)), insert_(std::move(statement)) {}

  store::Database database_;
  store::Statement insert_;
  std::uint64_t next_seq_ = 1;
  std::array<std::uint64_t, 8> counts_{};
};

}  // namespace spillway::bench
