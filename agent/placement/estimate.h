#pragma once

#include <cmath>

namespace spillway::placement {

// A number with its spread: median and 95th percentile, seconds.
struct Estimate {
  double median = 0;
  double high = 0;
};

inline constexpr double kZ95 = 1.645;  // standard normal quantile

// Variance, in log², that an estimate gains while nothing is measured: what was true a minute ago
// may be off by 12 %, an hour ago by 33 %.
inline double drift(double age_seconds) {
  return 0.02 * std::log1p(std::fmax(age_seconds, 0) / 60);
}

// Optimism: the share of an estimate that is believed when asking whether a place is worth trying
// again. 1 for fresh evidence, a half after a minute, and on towards 0, always faster than drift()
// widens the spread, so that any place is tried again some day.
inline double trust(double age_seconds) { return 1 / (1 + std::fmax(age_seconds, 0) / 60); }

}  // namespace spillway::placement
