#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spillway::config {

// The name that takes the fewest edits (Levenshtein) from `given`; empty when even that one is too
// far to be what was meant.
std::string nearest(std::string_view given, const std::vector<std::string>& names);

// Says of the first word of `given` that it is none of a program's commands, or none of its
// options.
std::string no_such_word(std::string_view program, const std::vector<std::string>& given,
                         const std::vector<std::string>& commands);

}  // namespace spillway::config
