#pragma once

#include <optional>

#include "common/base/clock.h"

namespace spillway {

// No wall clock that shows an earlier time can be right: this program did not exist. A machine
// without a clock of its own boots in 1970.
inline constexpr Duration kEarliestWall = std::chrono::hours(24 * 20'454);  // 2026-01-01 UTC
constexpr bool is_believable(Duration wall) { return wall >= kEarliestWall; }

// Where a node's time line goes on after a stop. By the wall clock, if that can be believed: then
// deadlines go on meanwhile; else they stand still.
constexpr NodeTime resume_at(NodeTime last_seen, Duration wall_then, Duration wall_now) {
  const Duration away = wall_now - wall_then;
  const bool believable =
      is_believable(wall_then) && away > Duration::zero() && away < std::chrono::hours(24 * 366);
  return believable ? last_seen + away : last_seen;
}

// Notices when the wall clock is set: it moves against boot time. What it drifts, or is slewed by
// to follow a better clock, is no step. One thread.
class WallWatch {
 public:
  explicit WallWatch(const Clock& clock) : clock_(&clock), offset_(offset()) {}

  // By how much it stepped since the last look.
  std::optional<Duration> step() {
    const Duration now = offset();
    const Duration by = now - offset_;
    offset_ = now;
    if (by < kLeastStep && by > -kLeastStep) return std::nullopt;
    return by;
  }
  // Wall time; zero while it cannot be believed.
  Duration wall() const {
    const Duration wall = clock_->wall_time();
    return is_believable(wall) ? wall : Duration::zero();
  }

 private:
  static constexpr Duration kLeastStep = std::chrono::seconds(2);
  Duration offset() const { return clock_->wall_time() - clock_->boot_time(); }

  const Clock* clock_;
  Duration offset_;
};

}  // namespace spillway
