#pragma once

#include <string>

#include "spillway/bytes.h"

namespace spillway::crypto {

// HMAC-SHA-256 (RFC 2104). Fails only when memory runs out, by std::bad_alloc.
Digest hmac_sha256(ByteView key, ByteView bytes);

// Takes as long for a wrong guess as for a right one of the same length.
bool equal_secrets(ByteView a, ByteView b);

// Unpredictable bytes from the kernel, for keys and tokens.
Bytes random_bytes(std::size_t size);

}  // namespace spillway::crypto
