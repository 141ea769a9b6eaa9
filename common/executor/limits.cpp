#include "common/executor/limits.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
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

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What one group grants: v2 has one file, v1 two.
std::optional<double> quota_of(const std::string& group) {
  if (const auto quota = parse_cpu_max(text_of(group + "/cpu.max"))) return quota;
  return parse_cpu_max(text_of(group + "/cpu.cfs_quota_us") + " " +
                       text_of(group + "/cpu.cfs_period_us"));
}

// Where a line of /proc/self/cgroup, "number:controllers:path", has its files; empty: not those of
// the CPU. v1 mounts the controllers it has together under their names.
std::string mount_of(const std::string& controllers) {
  if (controllers.empty()) return "/";
  const bool cpu = ("," + controllers + ",").find(",cpu,") != std::string::npos;
  return cpu ? "/" + controllers : "";
}

}  // namespace

std::optional<double> parse_cpu_max(std::string_view text) {
  std::istringstream in{std::string(text)};
  double quota = 0, period = 0;
  if (!(in >> quota >> period) || !(quota > 0) || !(period > 0)) return std::nullopt;
  return quota / period;
}

std::optional<double> cpu_quota(const std::string& root, const std::string& membership) {
  std::optional<double> tightest;
  std::istringstream lines(membership);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string mount = mount_of(line.substr(first + 1, second - first - 1));
    if (mount.empty()) continue;
    std::string path = line.substr(second + 1);
    if (!path.starts_with('/')) continue;
    for (;; path.resize(path.rfind('/'))) {
      std::string folder = root;
      if (mount != "/") folder += mount;
      const auto quota = quota_of(folder.append(path));
      if (quota && (!tightest || *quota < *tightest)) tightest = quota;
      if (path.empty()) break;
    }
  }
  return tightest;
}

unsigned usable_cpus() {
  double cpus = affinity_count();
  if (const auto quota = cpu_quota("/sys/fs/cgroup", text_of("/proc/self/cgroup"))) {
    cpus = std::min(cpus, std::ceil(*quota));
  }
  return static_cast<unsigned>(std::max(1.0, cpus));
}

}  // namespace spillway::executor
