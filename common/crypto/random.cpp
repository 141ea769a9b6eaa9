#include "common/crypto/random.h"

#include <openssl/rand.h>
#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace spillway::crypto {

std::uint64_t random_u64() {
  std::uint64_t bits = 0;
  ssize_t got = 0;
  // A read of 8 bytes is never short; only a signal while the pool is unseeded interrupts it.
  do {
    got = ::getrandom(&bits, sizeof bits, 0);
  } while (got < 0 && errno == EINTR);
  if (got == sizeof bits) return bits;
  // A sandbox may forbid getrandom. Identities that repeat would break fencing, so without any
  // source of randomness there is no safe way on.
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&bits), sizeof bits) != 1) std::abort();
  return bits;
}

}  // namespace spillway::crypto
