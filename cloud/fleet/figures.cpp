#include "cloud/fleet/figures.h"

namespace spillway::cloud {
namespace {

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

}  // namespace spillway::cloud
