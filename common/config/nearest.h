#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spillway::config {

// The name that takes the fewest edits (Levenshtein) from `given`; empty when even that one is too
// far to be what was meant.
std::string nearest(std::string_view given, const std::vector<std::string>& names);

}  // namespace spillway::config
