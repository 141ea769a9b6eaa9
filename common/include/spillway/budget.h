#pragma once

#include <array>
#include <cstdint>

#include "spillway/loss.h"
#include "spillway/time.h"

// What a device may use.
namespace spillway {

// What gives way when a class is full. Accepted tasks never do.
enum class OnFull : std::uint8_t { reject_newest, drop_oldest, drop_lowest_band };

inline constexpr Duration kLongestAge = std::chrono::hours(24 * 366);

struct ClassLimits {
  std::uint64_t items = 0;
  Duration age = kLongestAge;  // kept at most so long
  OnFull on_full = OnFull::drop_oldest;
};

struct BudgetLimits {
  std::uint64_t disk = 1ULL << 30;        // bytes of the store's files, write-ahead log included
  std::uint64_t disk_free = 64ULL << 20;  // bytes to leave free on its file system
  std::uint64_t inodes_free = 1000;
  std::uint64_t memory = 64ULL << 20;  // bytes of tasks in memory
  std::uint64_t flash_per_day = 0;     // bytes written; 0: no limit
  std::array<ClassLimits, kDataClasses> classes = {{
      {1'000'000, kLongestAge, OnFull::reject_newest},
      {1'000'000, kLongestAge, OnFull::drop_oldest},
      {2'000'000, kLongestAge, OnFull::drop_oldest},
      {10'000, std::chrono::hours(24), OnFull::drop_oldest},
  }};
  const ClassLimits& of(DataClass data) const { return classes[static_cast<std::size_t>(data)]; }
  ClassLimits& of(DataClass data) { return classes[static_cast<std::size_t>(data)]; }
};

}  // namespace spillway
