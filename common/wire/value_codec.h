#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/wire/buffer.h"
#include "common/wire/reader.h"
#include "spillway/ids.h"
#include "spillway/task.h"
#include "spillway/time.h"

// The values that several tables are made of. Absent and default values take no bytes.
namespace spillway::wire {

namespace fb {
struct TaskId;
struct Digest;
struct Pair;
struct Payload;
enum class KnownPlace : std::uint8_t;
}  // namespace fb

using TextOffset = Offset<flatbuffers::String>;
template <class T>
using VectorOffset = Offset<flatbuffers::Vector<Offset<T>>>;

TextOffset write_text(Builder& fbb, std::string_view text);
// At most kMaxProse bytes, cut between characters: a message too long to send whole must not keep
// its result from arriving.
TextOffset write_prose(Builder& fbb, std::string_view text);
VectorOffset<flatbuffers::String> write_texts(Builder& fbb, const std::vector<std::string>& texts);
using BytesOffset = Offset<flatbuffers::Vector<std::uint8_t>>;
BytesOffset write_bytes(Builder& fbb, ByteView bytes);

fb::TaskId raw_id(TaskId id);
fb::Digest raw_digest(const Digest& digest);
Digest read_digest(const fb::Digest* digest);  // zeros when absent

VectorOffset<fb::Pair> write_pairs(Builder& fbb, const Labels& pairs);
Labels read_pairs(Reader& reader, const flatbuffers::Vector<Offset<fb::Pair>>* pairs,
                  std::string_view field);

Offset<fb::Payload> write_payload(Builder& fbb, const Payload& payload);
Offset<fb::Payload> write_input(Builder& fbb, const InputRef& input);
InputRef read_input(Reader& reader, const fb::Payload* raw, std::string_view field,
                    std::size_t max);
// Up to `max` inline bytes.
Payload read_payload(Reader& reader, const fb::Payload* payload, std::string_view field,
                     std::size_t max);

// A place is told by one byte where every reader knows it, else by its name.
fb::KnownPlace known_place(std::string_view place);
TextOffset write_place_name(Builder& fbb, std::string_view place);
// Empty: nowhere.
std::string read_place(Reader& reader, fb::KnownPlace known, const flatbuffers::String* name,
                       std::string_view field);

// Clamped to what fits: whoever decodes says what is too long.
std::int64_t to_us(std::chrono::milliseconds span);
// An estimate or measurement, clamped to what a decoder takes.
std::int64_t to_span_us(Duration span);

inline NodeTime to_node_time(std::int64_t us) { return NodeTime(Duration(us)); }
inline std::int64_t to_us(NodeTime time) { return time.time_since_epoch().count(); }

}  // namespace spillway::wire
