#pragma once

#include <cstdint>

#include "common/store/database.h"
#include "common/store/encoded_bytes.h"
#include "spillway/time.h"

// How values lie in columns: times as microseconds, never as NULL; bytes in the row, or in a table
// of their own when they are large.
namespace spillway::store {

void bind_time(Cursor& cursor, int at, NodeTime time);
NodeTime read_time(const Cursor& cursor, int column);

// Above this size bytes have a row of their own, so that a change of state does not rewrite them.
// Measured in groups of 64, CPU per task's life in the row against apart: 300 bytes 13.5 and 14.4
// us, 900 bytes equal (apart writes 7 % less), 2,000 bytes equal (28 % less), 16,000 bytes 80 and
// 46 us.
inline constexpr std::size_t kInlineBytes = 1024;
inline bool is_bulk(const EncodedBytes& bytes) { return bytes && bytes->size() > kInlineBytes; }
// NULL for none and for bulk.
void bind_bytes(Cursor& cursor, int at, const EncodedBytes& bytes);
EncodedBytes read_bytes(const Cursor& cursor, int column);

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

}  // namespace spillway::store
