#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/utf8.h"
#include "spillway/bytes.h"
#include "spillway/ids.h"
#include "spillway/status.h"
#include "spillway/time.h"

namespace spillway::wire {

namespace fb {
struct TaskId;
}

inline constexpr std::size_t kMaxName = 64;     // characters of a kind, tag or other name
inline constexpr std::size_t kMaxText = 256;    // bytes of keys, traces, versions
inline constexpr std::size_t kMaxProse = 4096;  // bytes of what people read
inline constexpr std::size_t kMaxTags = 32;     // as spillway::validate
inline constexpr Duration kMaxSpan = std::chrono::hours(366 * 24);

// Copies the first `size` numbers, however they lie: a damaged buffer may have a vector at any
// address, and the verifier looks at its bounds only.
void copy_numbers(const flatbuffers::Vector<std::uint64_t>* raw, std::size_t size,
                  std::uint64_t* to);

// Reads fields of one verified buffer and remembers the first thing that is wrong; from then on
// every field reads as empty, so that callers read straight through and ask once at the end. What
// it copies never exceeds the buffer's size, whatever the buffer's offsets share. One thread.
class Reader {
 public:
  // With `whole`, which is the buffer, what shared() reads may keep that instead of being copied.
  explicit Reader(std::size_t buffer_size, std::shared_ptr<const Bytes> whole = nullptr)
      : budget_(buffer_size), whole_(std::move(whole)) {}

  bool ok() const { return !error_; }
  const Error& error() const { return *error_; }
  void refuse(std::string_view field, std::string_view what, Code code = Code::corrupt);
  void require(bool holds, std::string_view field, std::string_view what) {
    if (!holds) refuse(field, what);
  }

  std::string text(const flatbuffers::String* text, std::string_view field,
                   std::size_t max = kMaxText);
  // A text of another node, for people: valid UTF-8 without control characters, whatever came.
  std::string shown(const flatbuffers::String* text, std::string_view field,
                    std::size_t max = kMaxText, Lines lines = Lines::join);
  // 1 to kMaxName bytes.
  std::string name(const flatbuffers::String* text, std::string_view field);
  std::string shown_name(const flatbuffers::String* text, std::string_view field);
  std::vector<std::string> names(
      const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* names,
      std::string_view field, std::size_t max = kMaxTags);
  Bytes bytes(const flatbuffers::Vector<std::uint8_t>* bytes, std::string_view field,
              std::size_t max);
  // A part of the buffer, if it is at least half of what would be kept for it; else a copy.
  SharedBytes shared(const flatbuffers::Vector<std::uint8_t>* bytes, std::string_view field,
                     std::size_t max);
  // The vector's size; 0 when it is missing or longer than `max`, which is refused.
  template <class T>
  flatbuffers::uoffset_t count(const flatbuffers::Vector<T>* vector, std::string_view field,
                               std::size_t max) {
    if (!vector || !ok()) return 0;
    if (vector->size() > max) refuse(field, "too many");
    return ok() ? vector->size() : 0;
  }

  // An enum as the schema has it, as ours: both have the same numbers.
  template <class To, class From>
  To choice(From raw, std::string_view field) {
    if (raw >= From::MIN && raw <= From::MAX) return static_cast<To>(raw);
    refuse(field, "unknown value");
    return static_cast<To>(From::MIN);
  }

  TaskId id(const fb::TaskId& id);
  Epoch epoch(std::uint32_t value);  // of a grant: from 1
  std::uint64_t nonzero(std::uint64_t value, std::string_view field);
  // A span from `min` to kMaxSpan.
  Duration span(std::int64_t us, std::string_view field, Duration min = Duration::zero());
  double number(double value, std::string_view field);  // not NaN

 private:
  bool spend(std::size_t size, std::size_t max, std::string_view field);

  std::size_t budget_;
  std::shared_ptr<const Bytes> whole_;
  std::optional<Error> error_;
};

}  // namespace spillway::wire
