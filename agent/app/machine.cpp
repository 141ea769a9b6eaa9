#include "agent/app/machine.h"

#include <sys/statvfs.h>

#include <cstdlib>
#include <fstream>

namespace spillway::agent {
namespace {

constexpr double kStalled = 10;  // percent of the time

}  // namespace

double memory_stall(const std::string& line) {
  const std::string name = "avg10=";
  const std::size_t at = line.find(name);
  if (line.compare(0, 5, "some ") != 0 || at == std::string::npos) return 0;
  return std::strtod(line.c_str() + at + name.size(), nullptr);
}

Machine look_at_machine(const std::string& folder) {
  Machine machine;
  struct statvfs system {};
  if (::statvfs(folder.c_str(), &system) == 0) {
    machine.disk_free = std::uint64_t(system.f_bavail) * system.f_frsize;
    // Some file systems make inodes as they need them and say 0 of 0.
    if (system.f_files > 0) machine.inodes_free = system.f_favail;
  }
  std::ifstream pressure("/proc/pressure/memory");
  std::string line;
  if (std::getline(pressure, line)) machine.memory_stalled = memory_stall(line) >= kStalled;
  return machine;
}

}  // namespace spillway::agent
