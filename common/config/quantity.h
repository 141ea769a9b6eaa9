#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Durations and sizes as configuration files write them: a whole number and a unit.
namespace spillway::config {

inline constexpr std::string_view kDurationUnits = "ms, s, min, h or d, as in \"30s\"";
inline constexpr std::string_view kSizeUnits = "B, KiB, MiB, GiB or TiB, as in \"64MiB\"";

// Nothing when it is not one, or too large to be counted.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
std::optional<std::uint64_t> parse_size(std::string_view text);

// In the largest unit that leaves no rest; parses back to the same.
std::string to_text(std::chrono::milliseconds duration);
std::string size_text(std::uint64_t bytes);

}  // namespace spillway::config
