#pragma once

#include <cstdint>

#include "common/sqlite/database.h"
#include "spillway/time.h"

namespace spillway::store {

// Copies what can be read of a damaged owner's file into an empty one and makes it safe to go on
// with, as SqliteOwnerStore promises. 0 when the damaged file does not say whose it is.
Result<std::uint64_t> salvage_owner(const sqlite::Database& damaged, const sqlite::Database& fresh);

// Counts in the loss ledger of a file that takes a damaged one's place, or that stands beside one,
// that something was lost, at least one, for nobody knows how much it was.
Status note_damage(const sqlite::Database& file, Duration wall);

}  // namespace spillway::store
