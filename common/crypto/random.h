#pragma once

#include <cstdint>

namespace spillway::crypto {

// Unpredictable bits from the kernel, for identities (origins, boot ids, session ids). Any thread.
// Waits, early in a boot, until the kernel's pool is seeded.
std::uint64_t random_u64();

}  // namespace spillway::crypto
