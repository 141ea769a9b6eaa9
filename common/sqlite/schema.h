#pragma once

#include <cstdint>
#include <vector>

#include "common/sqlite/database.h"

namespace spillway::sqlite {

// One NNNN_*.sql file; never changed once released, only followed by another. An additive one takes
// nothing from those who do not know it: they go on reading and writing the file.
struct Migration {
  std::int64_t version = 0;
  const char* sql = "";
  bool additive = false;
};

// What a file says of itself: its version, and the least version of a program that can use it.
struct FileVersion {
  std::int64_t version = 0;
  std::int64_t since = 0;
};

// What tells one kind of store file from another, and how it came to its present shape.
struct Schema {
  std::int64_t application_id = 0;    // in the file's header
  std::vector<Migration> migrations;  // by version, ascending
  std::int64_t version() const { return migrations.back().version; }
  // The version since which nothing was done but to add.
  std::int64_t since() const;
};

Result<FileVersion> version_of(const Database& database);

// Refuses a file that belongs to something else (invalid_argument) or that only a newer version
// can use (unsupported).
Status check_owner(const Database& database, const Schema& schema);
// Inside a transaction: the least version of a program that can use the file from here on.
Status set_since(const Database& database, std::int64_t since);
// Brings the file up to the schema's version, each step in a transaction of its own. One that is
// ahead of it stays so.
Status migrate(const Database& database, const Schema& schema);

}  // namespace spillway::sqlite
