#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "spillway/bytes.h"
#include "spillway/status.h"
#include "spillway/task.h"

namespace spillway::crypto {

// SHA-256 (FIPS 180-4) of bytes that arrive in pieces. One thread at a time. After finish() only
// restart() may follow, which begins the next one. Fails only when memory runs out, by
// std::bad_alloc.
class Sha256 {
 public:
  Sha256();
  void update(ByteView bytes);
  Digest finish();
  void restart();

 private:
  struct Free {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Free> context_;
};

Digest sha256(ByteView bytes);

// Content address of a regular file, read once from start to end. `not_found` or `io` when it
// cannot be read, `invalid_argument` when it is no regular file.
Result<BlobRef> sha256_file(const std::string& path);

// 64 hexadecimal digits of either case; else `invalid_argument`.
Result<Digest> parse_digest(std::string_view text);

}  // namespace spillway::crypto
