#pragma once

#include <chrono>
#include <cstdint>

namespace spillway {

using Duration = std::chrono::microseconds;

// A node's own time line: microseconds since its store was created. It never runs backwards, goes
// on over restarts, and does not follow steps of the wall clock; deadlines, leases and order use
// nothing else. Wall time is shown to people and never compared.
struct NodeClock {
  using rep = std::int64_t;
  using period = std::micro;
  using duration = Duration;
  using time_point = std::chrono::time_point<NodeClock>;
  static constexpr bool is_steady = true;
};
using NodeTime = NodeClock::time_point;

inline constexpr NodeTime kNever = NodeTime::max();

}  // namespace spillway
