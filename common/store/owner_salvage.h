#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "common/sqlite/database.h"
#include "spillway/ids.h"
#include "spillway/time.h"

namespace spillway::store {

// What became of a damaged file's content, beside what was carried over.
struct Salvage {
  std::array<std::uint64_t, 3> missing{};  // rows by class: tasks not done, results, events
  std::vector<TaskId> lost;                // tasks of which it is known which
};

// Copies what can be read of a damaged owner's file into an empty one and makes it safe to go on
// with, as SqliteOwnerStore promises. 0 when the damaged file does not say whose it is.
Result<std::uint64_t> salvage_owner(const sqlite::Database& damaged, const sqlite::Database& fresh,
                                    Salvage& salvage);

// Counts in the loss ledger of a file that takes a damaged one's place, or that stands beside one,
// what was lost: one task at least, for nobody knows how much it was.
Status note_damage(const sqlite::Database& file, Duration wall, const Salvage& salvage);

}  // namespace spillway::store
