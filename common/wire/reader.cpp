#include "common/wire/reader.h"

#include <cmath>
#include <cstring>

#include "task_generated.h"

namespace spillway::wire {

void copy_numbers(const flatbuffers::Vector<std::uint64_t>* raw, std::size_t size,
                  std::uint64_t* to) {
  if (size == 0) return;
  std::memcpy(to, raw->Data(), size * sizeof *to);
  for (std::size_t i = 0; i < size; ++i) to[i] = flatbuffers::EndianScalar(to[i]);
}

void Reader::refuse(std::string_view field, std::string_view what, Code code) {
  if (!error_) error_ = fail(code, std::string(field) + ": " + std::string(what));
}

bool Reader::spend(std::size_t size, std::size_t max, std::string_view field) {
  if (size > max) refuse(field, "too long");
  if (size > budget_) refuse(field, "unfolds into more bytes than the buffer has");
  if (!ok()) return false;
  budget_ -= size;
  return true;
}

std::string Reader::text(const flatbuffers::String* text, std::string_view field, std::size_t max) {
  if (!text || !spend(text->size(), max, field)) return {};
  return text->str();
}

std::string Reader::shown(const flatbuffers::String* raw, std::string_view field, std::size_t max,
                          Lines lines) {
  return plain_text(text(raw, field, max), lines);
}

std::string Reader::shown_name(const flatbuffers::String* raw, std::string_view field) {
  return plain_text(name(raw, field));
}

std::string Reader::name(const flatbuffers::String* raw, std::string_view field) {
  std::string read = text(raw, field, kMaxName);
  require(!read.empty(), field, "must not be empty");
  return read;
}

std::vector<std::string> Reader::names(
    const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* raw,
    std::string_view field, std::size_t max) {
  std::vector<std::string> read;
  flatbuffers::uoffset_t size = count(raw, field, max);
  read.reserve(size);
  for (flatbuffers::uoffset_t i = 0; i < size && ok(); ++i) {
    read.push_back(name(raw->Get(i), field));
  }
  return read;
}

Bytes Reader::bytes(const flatbuffers::Vector<std::uint8_t>* bytes, std::string_view field,
                    std::size_t max) {
  if (!bytes || !spend(bytes->size(), max, field)) return {};
  return {bytes->data(), bytes->data() + bytes->size()};
}

SharedBytes Reader::shared(const flatbuffers::Vector<std::uint8_t>* bytes, std::string_view field,
                           std::size_t max) {
  if (!bytes || !spend(bytes->size(), max, field)) return {};
  const ByteView part(bytes->data(), bytes->size());
  if (whole_ && part.size() >= whole_->size() / 2) return {whole_, part};
  return Bytes(part.begin(), part.end());
}

TaskId Reader::id(const fb::TaskId& id) {
  require(id.origin() != 0 && id.seq() != 0, "id", "must not be zero");
  return TaskId{Origin{id.origin()}, id.seq()};
}

Epoch Reader::epoch(std::uint32_t value) {
  require(value != 0, "epoch", "must not be zero");
  return Epoch{value};
}

std::uint64_t Reader::nonzero(std::uint64_t value, std::string_view field) {
  require(value != 0, field, "must not be zero");
  return value;
}

Duration Reader::span(std::int64_t us, std::string_view field, Duration min) {
  Duration span(us);
  require(span >= min && span <= kMaxSpan, field, "not a sane duration");
  return span;
}

double Reader::number(double value, std::string_view field) {
  require(!std::isnan(value), field, "not a number");
  return value;
}

}  // namespace spillway::wire
