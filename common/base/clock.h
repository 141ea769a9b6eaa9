#pragma once

#include <cstdint>

#include "spillway/time.h"

namespace spillway {

// Where a node's time comes from. Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  // Time since boot, suspend included; never steps.
  virtual Duration boot_time() const = 0;
  // Wall time since 1970 as the system believes it; may step, may be wrong.
  virtual Duration wall_time() const = 0;
};

// A clock that moves when told. One thread.
class ManualClock final : public Clock {
 public:
  Duration boot_time() const override { return boot_; }
  Duration wall_time() const override { return wall_; }
  void advance(Duration by) {
    boot_ += by;
    wall_ += by;
  }
  void step_wall(Duration to) { wall_ = to; }

 private:
  Duration boot_{};
  Duration wall_{};
};

// Maps boot time to the node's time line, which goes on from where the store last saw it.
class NodeTimeline {
 public:
  NodeTimeline(const Clock& clock, NodeTime last_seen)
      : clock_(&clock), offset_(last_seen - NodeTime(clock.boot_time())) {}
  NodeTime now() const { return NodeTime(clock_->boot_time()) + offset_; }
  // For display only: the wall time of an instant, by today's wall clock.
  Duration wall_of(NodeTime instant) const { return clock_->wall_time() + (instant - now()); }

 private:
  const Clock* clock_;
  Duration offset_;
};

}  // namespace spillway
