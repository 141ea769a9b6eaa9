#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What the kernel's text files say. Pure: whatever is in them, the answer is a value or nothing.
namespace spillway::agent {

struct CpuTimes {  // ticks since boot
  std::uint64_t busy = 0, total = 0;
};
// /proc/stat: all cores together first, then each.
std::vector<CpuTimes> parse_cpu_times(std::string_view stat);
// Busy between two readings, 0 to 1; nothing when no time passed.
std::optional<double> busy_share(const CpuTimes& before, const CpuTimes& now);

// A line `Name: 123 kB` of /proc/meminfo, or `name: 123` of /proc/self/io.
std::optional<std::uint64_t> parse_field(std::string_view text, std::string_view name);
// The interface of the default route of /proc/net/route with the smallest metric.
std::optional<std::string> default_interface(std::string_view route);
// A file that holds one number.
std::optional<std::int64_t> parse_number(std::string_view text);

}  // namespace spillway::agent
