#include "cloud/fleet/figures.h"

#include <algorithm>
#include <cmath>

namespace spillway::cloud {
namespace {

constexpr double kPerOctave = 4;

std::int64_t second_of(NodeTime now) { return now.time_since_epoch() / std::chrono::seconds(1); }

}  // namespace

void Rate::add(NodeTime now, double count) {
  std::int64_t second = second_of(now);
  auto slot = std::size_t(second % kSeconds);
  if (second_[slot] != second) counts_[slot] = 0;
  second_[slot] = second;
  counts_[slot] += count;
}

double Rate::per_second(NodeTime now) const {
  std::int64_t second = second_of(now);
  double sum = 0;
  // The open second would pull the figure down; ten others hold one report of every device.
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (second_[i] < second && second_[i] >= second - (kSeconds - 1)) sum += counts_[i];
  }
  return sum / double(kSeconds - 1);
}

void LatencyCounts::add(Duration latency, double weight) {
  double us = double(std::max<std::int64_t>(latency.count(), 1));
  auto bucket = std::min(kBuckets - 1, std::size_t(std::log2(us) * kPerOctave));
  counts_[bucket] += float(weight);
  total_ += weight;
}

Duration LatencyCounts::quantile(double q) const {
  double wanted = q * total_, seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += double(counts_[i]);
    if (seen > 0 && seen >= wanted) {
      return Duration(std::int64_t(std::exp2((double(i) + 0.5) / kPerOctave)));
    }
  }
  return {};
}

void LatencyCounts::merge(const LatencyCounts& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  total_ += other.total_;
}

}  // namespace spillway::cloud
