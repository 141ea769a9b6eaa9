#include "common/crypto/mac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstring>
#include <new>

#include "common/crypto/random.h"

namespace spillway::crypto {

Digest hmac_sha256(ByteView key, ByteView bytes) {
  Digest digest{};
  unsigned length = 0;
  if (!HMAC(EVP_sha256(), key.data(), int(key.size()), bytes.data(), bytes.size(), digest.data(),
            &length)) {
    throw std::bad_alloc();
  }
  return digest;
}

bool equal_secrets(ByteView a, ByteView b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Bytes random_bytes(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
    std::uint64_t word = random_u64();
    std::memcpy(bytes.data() + at, &word, std::min(sizeof word, size - at));
  }
  return bytes;
}

}  // namespace spillway::crypto
