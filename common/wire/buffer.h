#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "common/wire/reader.h"
#include "spillway/bytes.h"
#include "spillway/status.h"

// How every buffer is begun, finished and opened.
namespace spillway::wire {

using Builder = flatbuffers::FlatBufferBuilder;
template <class T>
using Offset = flatbuffers::Offset<T>;

inline constexpr const char* kLinkIdentifier = "SPW1";
inline constexpr const char* kApiIdentifier = "SPWA";

// The calling thread's builder, empty. One buffer at a time.
Builder& thread_builder();
// The finished bytes; leaves the builder to the thread's next buffer.
Bytes take(Builder& builder);

// The same, without copying what is large.
SharedBytes take_shared(Builder& builder);

template <class Root>
Bytes finish(Builder& builder, Offset<Root> root, const char* identifier = kLinkIdentifier) {
  builder.Finish(root, identifier);
  return take(builder);
}

// What a buffer of one type may be at most. `tables` bounds the verifier's work.
struct BufferLimits {
  const char* what;
  const char* identifier;
  std::size_t bytes;
  flatbuffers::uoffset_t tables;
};

// The same bytes where 8-byte fields may be read in place: copied into `storage` when they lie
// elsewhere, as slices of larger buffers do.
ByteView aligned(ByteView bytes, std::vector<std::uint64_t>& storage);

Error not_valid(const BufferLimits& limits, ByteView bytes);

// Verifies hostile bytes and hands the root to `read(Reader&, const Root&)`, whose value is the
// result unless the reader refused something. With `whole`, which holds just `bytes`, the value may
// keep that for its large parts.
template <class Root, class Read>
auto open(ByteView bytes, const BufferLimits& limits, Read read,
          std::shared_ptr<const Bytes> whole = nullptr)
    -> Result<decltype(read(std::declval<Reader&>(), std::declval<const Root&>()))> {
  constexpr flatbuffers::uoffset_t kMaxDepth = 16;
  if (bytes.size() > limits.bytes) return not_valid(limits, bytes);
  std::vector<std::uint64_t> storage;
  ByteView buffer = aligned(bytes, storage);
  flatbuffers::Verifier verifier(buffer.data(), buffer.size(), kMaxDepth, limits.tables);
  if (!verifier.VerifyBuffer<Root>(limits.identifier)) return not_valid(limits, bytes);
  if (buffer.data() != bytes.data()) whole = nullptr;  // what is read is a copy
  Reader reader(buffer.size(), std::move(whole));
  auto value = read(reader, *flatbuffers::GetRoot<Root>(buffer.data()));
  if (!reader.ok()) return reader.error();
  return value;
}

}  // namespace spillway::wire
