#pragma once

#include <optional>
#include <string_view>

namespace spillway::executor {

// CPUs worth of time that the text of a cgroup v2 `cpu.max` grants; none if unlimited or malformed.
std::optional<double> parse_cpu_max(std::string_view text);

// How many workers this process can keep busy now: its affinity mask, which follows hot-plug,
// and the tightest quota of its cgroup and the ones above, rounded up. At least 1.
unsigned usable_cpus();

}  // namespace spillway::executor
