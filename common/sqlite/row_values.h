#pragma once

#include <cstdint>

#include "common/sqlite/database.h"
#include "common/sqlite/encoded_bytes.h"
#include "spillway/time.h"

// How values lie in columns: times as microseconds, never as NULL; bytes in the row, or in a table
// of their own when they are large.
namespace spillway::sqlite {

void bind_time(Cursor& cursor, int at, NodeTime time);
NodeTime read_time(const Cursor& cursor, int column);

// Packed; NULL for none and for bulk.
void bind_bytes(Cursor& cursor, int at, const EncodedBytes& bytes);
EncodedBytes read_bytes(const Cursor& cursor, int column);
// Bytes from a row of their own, where they lie as they are, with their sum in the next column.
// `corrupt`: they are not what was written.
Result<EncodedBytes> read_bulk(const Cursor& cursor, int column);
// The first eight bytes of their SHA-256.
std::int64_t sum_of(ByteView bytes);

inline std::uint32_t read_count(const Cursor& cursor, int column) {
  return static_cast<std::uint32_t>(cursor.integer(column));
}

// Reads an enumeration and notes in `good` when the value is none of it.
template <class E>
E read_enum(const Cursor& cursor, int column, E last, bool& good) {
  const std::int64_t value = cursor.integer(column);
  good = good && value >= 0 && value <= static_cast<std::int64_t>(last);
  return static_cast<E>(value);
}

}  // namespace spillway::sqlite
