#include "common/sqlite/disk_plan.h"

#include <algorithm>

namespace spillway::sqlite {
namespace {

constexpr std::uint64_t kMinLog = 2ULL << 20;
constexpr std::uint64_t kMaxLog = 64ULL << 20;
constexpr std::uint64_t kMaxCheckpoint = 1000;  // frames; SQLite's default

}  // namespace

DiskPlan plan_disk(std::uint64_t disk) {
  DiskPlan plan;
  plan.log = std::clamp(disk / 4, kMinLog, kMaxLog);
  plan.file = (disk - std::min(disk, plan.log)) / kPageBytes * kPageBytes;
  plan.checkpoint = std::min(kMaxCheckpoint, plan.log / 4 / kLogFrameBytes);
  return plan;
}

std::uint64_t leak(std::uint64_t spent, Duration passed, std::uint64_t per_day) {
  constexpr double kDay = 24.0 * 3600 * 1e6;
  const double leaked = static_cast<double>(per_day) * static_cast<double>(passed.count()) / kDay;
  return leaked >= static_cast<double>(spent) ? 0 : spent - static_cast<std::uint64_t>(leaked);
}

}  // namespace spillway::sqlite
