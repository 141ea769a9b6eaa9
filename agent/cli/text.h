#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/utf8.h"
#include "spillway/status.h"
#include "spillway/time.h"

// Values as people write and read them.
namespace spillway::cli {

// "250ms", "30s", "1.5h", "1h30m", "7d"; a unit is required, at most 366 days.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
// "65536", "64K", "64KiB", "1.5G": powers of 1024.
Result<std::uint64_t> parse_size(std::string_view text);

// Three digits or so, in a form parse_duration takes: "850us", "12.3ms", "4m05s", "2d4h".
std::string duration_text(Duration duration);
std::string size_text(std::uint64_t bytes);

// UTC; `digits` of the second.
std::string time_text(Duration since_1970, int digits = 0);

}  // namespace spillway::cli
