#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace spillway::executor {

// CPUs worth of time that the text of a cgroup v2 `cpu.max`, or a v1 quota and period, grants; none
// if unlimited or malformed.
std::optional<double> parse_cpu_max(std::string_view text);

// The tightest quota of a process's cgroup and the ones above, v1 or v2: `root` is where cgroups
// are mounted, `membership` the text of its /proc/self/cgroup.
std::optional<double> cpu_quota(const std::string& root, const std::string& membership);

// How many workers this process can keep busy now: its affinity mask, which follows hot-plug,
// and the tightest quota of its cgroup and the ones above, rounded up. At least 1.
unsigned usable_cpus();

}  // namespace spillway::executor
