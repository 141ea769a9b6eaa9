#pragma once

#include <array>
#include <cstdint>

#include "spillway/time.h"

namespace spillway::cloud {

// How often something happened in the last ten seconds. Pure.
class Rate {
 public:
  void add(NodeTime now, double count);
  double per_second(NodeTime now) const;

 private:
  static constexpr std::int64_t kSeconds = 11;  // ten that are over, and the open one
  std::array<double, kSeconds> counts_{};
  std::array<std::int64_t, kSeconds> second_{};
};

}  // namespace spillway::cloud
