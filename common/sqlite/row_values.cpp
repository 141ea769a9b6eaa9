#include "common/sqlite/row_values.h"

#include "common/crypto/sha256.h"
#include "common/sqlite/packing.h"

namespace spillway::sqlite {

void bind_time(Cursor& cursor, int at, NodeTime time) {
  if (time == kNever) {
    cursor.bind_null(at);
  } else {
    cursor.bind(at, time.time_since_epoch().count());
  }
}

NodeTime read_time(const Cursor& cursor, int column) {
  return cursor.is_null(column) ? kNever : NodeTime(Duration(cursor.integer(column)));
}

void bind_bytes(Cursor& cursor, int at, const EncodedBytes& bytes) {
  if (!bytes || is_bulk(bytes)) {
    cursor.bind_null(at);
  } else {
    cursor.bind_copy(at, pack(*bytes));
  }
}

EncodedBytes read_bytes(const Cursor& cursor, int column) {
  if (cursor.is_null(column)) return nullptr;
  return std::make_shared<const Bytes>(unpack(cursor.bytes(column)));
}

Result<EncodedBytes> read_bulk(const Cursor& cursor, int column) {
  const ByteView bytes = cursor.bytes(column);
  if (!cursor.is_null(column + 1) && cursor.integer(column + 1) != sum_of(bytes)) {
    return fail(Code::corrupt, "a large value is not what was written");
  }
  return EncodedBytes(std::make_shared<const Bytes>(bytes.begin(), bytes.end()));
}

std::int64_t sum_of(ByteView bytes) {
  const Digest digest = crypto::sha256(bytes);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < sizeof sum; ++i) sum = sum << 8 | digest[i];
  return static_cast<std::int64_t>(sum);
}

}  // namespace spillway::sqlite
