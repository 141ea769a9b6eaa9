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

// The least-squares line through the last half of a series.
struct Trend {
  double per_second = 0;  // slope
  double growth = 0;      // over that half, as a part of its mean
};
Trend trend_of_last_half(const Series& series);

// One panel each, above each other; a file of its own.
std::string plot(const std::string& title, const std::vector<Series>& all);

}  // namespace spillway::chaos
