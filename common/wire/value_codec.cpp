#include "common/wire/value_codec.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "task_generated.h"

namespace spillway::wire {

TextOffset write_text(Builder& fbb, std::string_view text) {
  return text.empty() ? TextOffset() : fbb.CreateString(text.data(), text.size());
}

TextOffset write_prose(Builder& fbb, std::string_view text) {
  std::size_t end = std::min(text.size(), kMaxProse);
  auto continues = [&] { return (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80; };
  while (end > kMaxProse - 4 && end < text.size() && continues()) --end;
  return write_text(fbb, text.substr(0, end));
}

VectorOffset<flatbuffers::String> write_texts(Builder& fbb, const std::vector<std::string>& texts) {
  if (texts.empty()) return {};
  std::vector<TextOffset> offsets;
  offsets.reserve(texts.size());
  for (const std::string& text : texts) offsets.push_back(fbb.CreateString(text));
  return fbb.CreateVector(offsets);
}

Offset<flatbuffers::Vector<std::uint8_t>> write_bytes(Builder& fbb, ByteView bytes) {
  if (bytes.empty()) return {};
  return fbb.CreateVector(bytes.data(), bytes.size());
}

fb::TaskId raw_id(TaskId id) { return {id.origin.value, id.seq}; }

fb::Digest raw_digest(const Digest& digest) {
  return fb::Digest(flatbuffers::span<const std::uint8_t, 32>(digest.data(), digest.size()));
}

Digest read_digest(const fb::Digest* raw) {
  Digest digest{};
  if (raw) std::memcpy(digest.data(), raw->bytes()->data(), digest.size());
  return digest;
}

VectorOffset<fb::Pair> write_pairs(Builder& fbb, const Labels& pairs) {
  if (pairs.empty()) return {};
  std::vector<Offset<fb::Pair>> offsets;
  offsets.reserve(pairs.size());
  for (const auto& [key, value] : pairs) {
    TextOffset key_offset = fbb.CreateString(key);
    offsets.push_back(fb::CreatePair(fbb, key_offset, fbb.CreateString(value)));
  }
  return fbb.CreateVector(offsets);
}

Labels read_pairs(Reader& reader, const flatbuffers::Vector<Offset<fb::Pair>>* pairs,
                  std::string_view field) {
  Labels read;
  flatbuffers::uoffset_t size = reader.count(pairs, field, kMaxTags);
  for (flatbuffers::uoffset_t i = 0; i < size && reader.ok(); ++i) {
    const fb::Pair& pair = *pairs->Get(i);
    std::string key = reader.name(pair.key(), field);
    // Sorted and unique, so that equal specs have equal bytes.
    reader.require(read.empty() || read.rbegin()->first < key, field, "keys must be in order");
    read.emplace_hint(read.end(), std::move(key), reader.text(pair.value(), field));
  }
  return read;
}

namespace {

void add_payload(fb::PayloadBuilder& table, const Payload& payload, BytesOffset bytes) {
  if (payload.blob) {
    const fb::Digest sha256 = raw_digest(payload.blob->sha256);
    table.add_size(payload.blob->size);
    table.add_sha256(&sha256);
  }
  table.add_bytes(bytes);
}

}  // namespace

Offset<fb::Payload> write_payload(Builder& fbb, const Payload& payload) {
  if (payload == Payload{}) return {};
  const BytesOffset bytes = write_bytes(fbb, payload.bytes);
  fb::PayloadBuilder table(fbb);
  add_payload(table, payload, bytes);
  return table.Finish();
}

Offset<fb::Payload> write_input(Builder& fbb, const InputRef& input) {
  if (input == InputRef{}) return {};
  const BytesOffset bytes = write_bytes(fbb, input.bytes);
  fb::PayloadBuilder table(fbb);
  if (input.not_kept > 0) table.add_size(input.not_kept);
  add_payload(table, input, bytes);
  const fb::TaskId result = raw_id(input.result.value_or(TaskId{}));
  if (input.result) table.add_result(&result);
  return table.Finish();
}

Payload read_payload(Reader& reader, const fb::Payload* raw, std::string_view field,
                     std::size_t max) {
  Payload payload;
  if (!raw) return payload;
  payload.bytes = reader.shared(raw->bytes(), field, max);
  if (raw->sha256()) payload.blob = BlobRef{read_digest(raw->sha256()), raw->size()};
  reader.require(!payload.blob || payload.bytes.empty(), field, "inline or blob, not both");
  return payload;
}

InputRef read_input(Reader& reader, const fb::Payload* raw, std::string_view field,
                    std::size_t max) {
  InputRef input{read_payload(reader, raw, field, max), std::nullopt, 0};
  if (!raw) return input;
  if (raw->result()) input.result = reader.id(*raw->result());
  if (input == InputRef{}) input.not_kept = raw->size();
  return input;
}

fb::KnownPlace known_place(std::string_view place) {
  if (place == kHereName) return fb::KnownPlace::local;
  return place == kCloudName ? fb::KnownPlace::cloud : fb::KnownPlace::none;
}

TextOffset write_place_name(Builder& fbb, std::string_view place) {
  return known_place(place) == fb::KnownPlace::none ? write_text(fbb, place) : TextOffset();
}

std::string read_place(Reader& reader, fb::KnownPlace known, const flatbuffers::String* name,
                       std::string_view field) {
  switch (known) {
    case fb::KnownPlace::local: return kHereName;
    case fb::KnownPlace::cloud: return kCloudName;
    case fb::KnownPlace::none: return reader.shown(name, field, kMaxName);
  }
  reader.refuse(field, "unknown value");
  return {};
}

std::int64_t to_us(std::chrono::milliseconds span) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 1000;
  return std::clamp<std::int64_t>(span.count(), -kMost, kMost) * 1000;
}

std::int64_t to_span_us(Duration span) {
  return std::clamp(span, Duration::zero(), kMaxSpan).count();
}

}  // namespace spillway::wire
