#pragma once

#include <sys/types.h>

#include <cstdint>

namespace spillway::bench {

// The memory of a process, from /proc; bytes.
struct MemoryUse {
  std::uint64_t pss = 0;       // shared pages by how many share them
  std::uint64_t rss = 0;       // shared pages in full
  std::uint64_t unshared = 0;  // what would be free if it ended
};
MemoryUse memory_of(pid_t process);

double cpu_seconds_of(pid_t process);  // user and system, of all threads alive, to the nanosecond
std::uint64_t written_by(pid_t process);  // bytes sent to the disk

}  // namespace spillway::bench
