#include "tests/bench/support/usage.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace spillway::bench {
namespace {

std::string folder_of(pid_t process) { return "/proc/" + std::to_string(process); }

std::uint64_t field(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(name + ":", 0) == 0) return std::stoull(line.substr(name.size() + 1));
  }
  return 0;
}

}  // namespace

MemoryUse memory_of(pid_t process) {
  const std::string path = folder_of(process) + "/smaps_rollup";
  MemoryUse use;
  use.pss = field(path, "Pss") * 1024;
  use.rss = field(path, "Rss") * 1024;
  use.unshared = (field(path, "Private_Clean") + field(path, "Private_Dirty")) * 1024;
  return use;
}

double cpu_seconds_of(pid_t process) {
  double total = 0;
  std::error_code error;
  // utime and stime count ticks of 10 ms, more than an idle process takes in a minute.
  for (const auto& thread :
       std::filesystem::directory_iterator(folder_of(process) + "/task", error)) {
    std::ifstream file(thread.path() / "schedstat");
    double nanoseconds = 0;
    file >> nanoseconds;
    total += nanoseconds / 1e9;
  }
  return total;
}

std::uint64_t written_by(pid_t process) { return field(folder_of(process) + "/io", "write_bytes"); }

}  // namespace spillway::bench
