#pragma once

#include <cstdint>

namespace spillway::wire {

// How many specs this process has decoded, so that a test sees what does so twice. Any thread.
std::uint64_t specs_decoded();

}  // namespace spillway::wire
