#pragma once

#include <array>
#include <cstddef>

#include "spillway/time.h"

namespace spillway {

// Durations counted in buckets a quarter octave wide, from 1 µs to over an hour: a quantile is at
// most 9 % off. One thread.
class LatencyCounts {
 public:
  void add(Duration latency, double weight = 1);
  Duration quantile(double q) const;  // 0 when empty
  void merge(const LatencyCounts& other);
  double total() const { return total_; }

 private:
  static constexpr std::size_t kBuckets = 128;
  std::array<float, kBuckets> counts_{};
  double total_ = 0;
};

}  // namespace spillway
