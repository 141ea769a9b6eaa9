#pragma once

#include <string_view>
#include <vector>

#include "spillway/bytes.h"

namespace spillway::fuzz {

// Valid inputs for a target whose bytes are ours, the same each time: what they hold a mutation
// would hardly come upon. None for the others, whose corpus has what people write.
std::vector<Bytes> seeds(std::string_view target);

}  // namespace spillway::fuzz
