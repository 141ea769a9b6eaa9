#include "common/base/latency_counts.h"

#include <algorithm>
#include <cmath>

namespace spillway {
namespace {

constexpr double kPerOctave = 4;

}  // namespace

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

}  // namespace spillway
