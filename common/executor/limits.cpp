#include "common/executor/limits.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

namespace spillway::executor {
namespace {

unsigned affinity_count() {
  cpu_set_t set;
  // The main thread's mask: workers may have been pinned otherwise.
  if (sched_getaffinity(getpid(), sizeof set, &set) != 0) {
    return std::max(1u, std::thread::hardware_concurrency());
  }
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

// The path of this process in the unified hierarchy, "/" if it has none.
std::string cgroup_path() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::/")) return line.substr(3);
  }
  return "/";
}

}  // namespace

std::optional<double> parse_cpu_max(std::string_view text) {
  std::istringstream in{std::string(text)};
  double quota = 0, period = 0;
  if (!(in >> quota >> period) || !(quota > 0) || !(period > 0)) return std::nullopt;
  return quota / period;
}

unsigned usable_cpus() {
  double cpus = affinity_count();
  for (std::string path = cgroup_path();; path.resize(path.rfind('/'))) {
    std::ifstream file("/sys/fs/cgroup" + path + "/cpu.max");
    std::string text;
    std::getline(file, text);
    if (const auto quota = parse_cpu_max(text)) cpus = std::min(cpus, std::ceil(*quota));
    if (path.empty()) break;
  }
  return static_cast<unsigned>(std::max(1.0, cpus));
}

}  // namespace spillway::executor
