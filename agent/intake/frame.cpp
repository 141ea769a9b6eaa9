#include "agent/intake/frame.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "common/wire/api.h"

namespace spillway::intake {
namespace {

constexpr std::size_t kHeader = 4;
constexpr std::size_t kSmall = 4 * 1024;
constexpr std::size_t kLarge = 64 * 1024;
constexpr std::size_t kAlignment = 8;
// Before the first frame, so that what follows its header is aligned where it was read.
constexpr std::size_t kPad = kAlignment - kHeader;

std::size_t read_length(const std::uint8_t* at) {
  return static_cast<std::size_t>(at[0]) | static_cast<std::size_t>(at[1]) << 8 |
         static_cast<std::size_t>(at[2]) << 16 | static_cast<std::size_t>(at[3]) << 24;
}

}  // namespace

std::size_t FrameBuffer::wanted() const {
  if (end_ - begin_ < kHeader) return kHeader;
  return kHeader + std::min(read_length(&bytes_[begin_]), wire::kMaxFrame);
}

std::span<std::uint8_t> FrameBuffer::room() {
  const std::size_t held = end_ - begin_;
  if (held > 0 && begin_ != kPad) std::memmove(&bytes_[kPad], &bytes_[begin_], held);
  begin_ = kPad;
  end_ = kPad + held;
  std::size_t size = std::max(bytes_.size(), kSmall);
  if (end_ == size || (was_full_ && size < kLarge)) size *= 2;
  if (held == 0 && size > kLarge) size = kSmall;
  size = std::max(size, kPad + wanted());
  if (size != bytes_.size()) {
    bytes_.resize(size);
    if (size == kSmall) bytes_.shrink_to_fit();
  }
  return std::span(bytes_).subspan(end_);
}

void FrameBuffer::filled(std::size_t count) {
  end_ += count;
  was_full_ = end_ == bytes_.size();
}

Result<std::optional<ByteView>> FrameBuffer::next() {
  const std::size_t held = end_ - begin_;
  if (held < kHeader) return std::optional<ByteView>();
  const std::size_t length = read_length(&bytes_[begin_]);
  if (length > wire::kMaxFrame) {
    return fail(Code::corrupt, "a frame of " + std::to_string(length) +
                                   " bytes is over the limit of " +
                                   std::to_string(wire::kMaxFrame));
  }
  if (held < kHeader + length) return std::optional<ByteView>();
  ByteView frame = ByteView(bytes_).subspan(begin_ + kHeader, length);
  begin_ += kHeader + length;
  // FlatBuffers reads its scalars in place and expects them aligned.
  if (reinterpret_cast<std::uintptr_t>(frame.data()) % kAlignment != 0) {
    aligned_.assign(frame.begin(), frame.end());
    frame = aligned_;
  }
  return std::optional(frame);
}

void append_frame(Bytes& out, ByteView frame) {
  const auto length = static_cast<std::uint32_t>(frame.size());
  for (int shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<std::uint8_t>(length >> shift));
  }
  out.insert(out.end(), frame.begin(), frame.end());
}

}  // namespace spillway::intake
