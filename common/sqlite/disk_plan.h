#pragma once

#include <cstdint>

#include "spillway/time.h"

// What a file of rows and its log may take of a disk, and of its life. Pure.
namespace spillway::sqlite {

inline constexpr std::uint64_t kPageBytes = 4096;
inline constexpr std::uint64_t kLogFrameBytes = kPageBytes + 24;  // a page in the write-ahead log

// How `disk` bytes are divided: the log can always be written back, because the file never needs
// more than its part.
struct DiskPlan {
  std::uint64_t file = 0;        // bytes the file may grow to
  std::uint64_t log = 0;         // bytes the log may grow to
  std::uint64_t checkpoint = 0;  // frames in the log after which it is written back
  // Where growth of the file stops, in bytes: tasks at nine tenths, so that completions always
  // drain (P21); events give way from there, results from `results` on.
  std::uint64_t tasks() const { return file / 10 * 9; }
  std::uint64_t results() const { return file / 100 * 95; }
};
DiskPlan plan_disk(std::uint64_t disk);

// What is left after `passed` of the bytes spent of a day's budget: it leaks away evenly, a day's
// worth in a day.
std::uint64_t leak(std::uint64_t spent, Duration passed, std::uint64_t per_day);

}  // namespace spillway::sqlite
