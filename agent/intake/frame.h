#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "spillway/bytes.h"
#include "spillway/status.h"

namespace spillway::intake {

// Bytes of a stream, cut into the frames of the local socket (see wire/api.h). One thread. Holds at
// most one frame beyond what was read at once; gives its memory back after a large frame.
class FrameBuffer {
 public:
  // Where the next bytes go; never empty.
  std::span<std::uint8_t> room();
  void filled(std::size_t count);
  // The next whole frame, valid until room() is called; nullopt: it has not all arrived.
  // Code::corrupt: the length is over kMaxFrame, and the stream cannot be followed any further.
  Result<std::optional<ByteView>> next();
  bool half() const { return begin_ != end_; }

 private:
  std::size_t wanted() const;

  Bytes bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool was_full_ = false;
  Bytes aligned_;
};

void append_frame(Bytes& out, ByteView frame);

}  // namespace spillway::intake
