#pragma once

#include <array>
#include <cstdint>

#include "cloud/fleet/views.h"

// Small running figures. Pure.
namespace spillway::cloud {

// How often something happened in the last ten seconds.
class Rate {
 public:
  void add(NodeTime now, double count);
  double per_second(NodeTime now) const;

 private:
  static constexpr std::int64_t kSeconds = 11;  // ten that are over, and the open one
  std::array<double, kSeconds> counts_{};
  std::array<std::int64_t, kSeconds> second_{};
};

// Durations counted in buckets a quarter octave wide, from 1 µs to over an hour: a quantile is at
// most 9 % off.
class LatencyCounts {
 public:
  void add(Duration latency, double weight = 1);
  Duration quantile(double q) const;  // 0 when empty
  Percentiles percentiles() const { return {quantile(0.5), quantile(0.95)}; }
  void merge(const LatencyCounts& other);
  double total() const { return total_; }

 private:
  static constexpr std::size_t kBuckets = 128;
  std::array<float, kBuckets> counts_{};
  double total_ = 0;
};

}  // namespace spillway::cloud
