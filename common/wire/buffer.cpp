#include "common/wire/buffer.h"

#include <cstring>
#include <string>

namespace spillway::wire {

Builder& thread_builder() {
  thread_local Builder builder(4096);
  builder.Clear();
  return builder;
}

namespace {

// One large buffer must not cost a thread its size for good.
constexpr flatbuffers::uoffset_t kMaxKept = 64 * 1024;

}  // namespace

SharedBytes take_shared(Builder& builder) {
  if (builder.GetSize() <= kMaxKept) return take(builder);
  const auto held = std::make_shared<const flatbuffers::DetachedBuffer>(builder.Release());
  return {held, ByteView(held->data(), held->size())};
}

Bytes take(Builder& builder) {
  Bytes bytes(builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize());
  if (builder.GetSize() > kMaxKept) builder.Reset();
  return bytes;
}

ByteView aligned(ByteView bytes, std::vector<std::uint64_t>& storage) {
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % sizeof(std::uint64_t) == 0) return bytes;
  storage.resize((bytes.size() + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t));
  std::memcpy(storage.data(), bytes.data(), bytes.size());
  return {reinterpret_cast<const std::uint8_t*>(storage.data()), bytes.size()};
}

Error not_valid(const BufferLimits& limits, ByteView bytes) {
  std::string text = "not a valid " + std::string(limits.what) + ": ";
  if (bytes.size() > limits.bytes) {
    return fail(Code::corrupt, text + std::to_string(bytes.size()) + " bytes, at most " +
                                   std::to_string(limits.bytes));
  }
  bool named = bytes.size() >= 8 && std::memcmp(bytes.data() + 4, limits.identifier, 4) == 0;
  return fail(Code::corrupt, text + (named ? "its structure is broken" : "no identifier ") +
                                 (named ? "" : limits.identifier));
}

}  // namespace spillway::wire
