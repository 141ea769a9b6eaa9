#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace spillway::bench {

using SteadyClock = std::chrono::steady_clock;

inline double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

// Durations of one thing done many times. One thread.
class Samples {
 public:
  void add(double seconds) { seconds_.push_back(seconds); }
  std::size_t count() const { return seconds_.size(); }
  // 0 when there are none.
  double quantile(double part) const {
    if (seconds_.empty()) return 0;
    std::vector<double> sorted = seconds_;
    const auto at = std::min(sorted.size() - 1, std::size_t(part * double(sorted.size())));
    std::nth_element(sorted.begin(), sorted.begin() + std::ptrdiff_t(at), sorted.end());
    return sorted[at];
  }
  double median() const { return quantile(0.5); }

 private:
  std::vector<double> seconds_;
};

}  // namespace spillway::bench
