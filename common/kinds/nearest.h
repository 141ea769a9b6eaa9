#pragma once

#include <span>
#include <string>
#include <string_view>

namespace spillway::kinds {

// "; did you mean 'x'?" when a known name is near to the given one, else "; known: a, b, c", else
// nothing.
std::string did_you_mean(std::string_view given, std::span<const std::string_view> known);

}  // namespace spillway::kinds
