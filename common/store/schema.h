#pragma once

#include <cstdint>
#include <vector>

#include "common/store/database.h"

namespace spillway::store {

// One NNNN_*.sql file; never changed once released, only followed by another.
struct Migration {
  std::int64_t version = 0;
  const char* sql = "";
};

// What tells one kind of store file from another, and how it came to its present shape.
struct Schema {
  std::int64_t application_id = 0;    // in the file's header
  std::vector<Migration> migrations;  // by version, ascending
  std::int64_t version() const { return migrations.back().version; }
};

// Refuses a file that belongs to something else (invalid_argument) or to a newer version
// (unsupported).
Status check_owner(const Database& database, const Schema& schema);
// Brings the file up to the schema's version, each step in a transaction of its own.
Status migrate(const Database& database, const Schema& schema);

}  // namespace spillway::store
