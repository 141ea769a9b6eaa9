#pragma once

#include "common/sqlite/database.h"

namespace spillway::sqlite {

struct SalvagedTable {
  const char* name;
  const char* key;  // integer key to start again from behind a damaged page; null: none
  bool (*makes_sense)(const Cursor& row) = nullptr;  // null: every row does
  // An index with all columns: the rows are on its pages as well, and are read there, too. Null:
  // there is none.
  const char* index = nullptr;
};

// Copies the rows that can be read of a damaged file's table into an empty one's, by the columns
// that both have. Errors are those of the empty file; what the damaged one does not give is left
// out.
Status salvage_table(const Database& damaged, const Database& fresh, const SalvagedTable& table);

}  // namespace spillway::sqlite
