#pragma once

#include <string>
#include <vector>

namespace spillway::chaos {

// Something sampled while a soak went on.
struct Series {
  std::string name, unit;
  std::vector<double> seconds, values;
  void add(double at, double value) { seconds.push_back(at), values.push_back(value); }
};

// A soak has this many equal waves: work, an outage, work.
inline constexpr int kWaves = 10;

// The least-squares line through the means of the waves in the last half of a series. Through the
// samples themselves it would rise with the slope inside a wave: a sawtooth of a third of the mean,
// five times over, looks like growth of six per cent.
struct Trend {
  double per_second = 0;  // slope
  double growth = 0;      // over that half, as a part of its mean
};
Trend trend_of_last_half(const Series& series);

// A panel for each series, above each other; a file of its own.
std::string plot(const std::string& title, const std::vector<Series>& all);

}  // namespace spillway::chaos
