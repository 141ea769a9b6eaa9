#pragma once

#include <algorithm>

#include "spillway/time.h"

namespace spillway::agent {

// Which of the tasks that end are told of in the cloud: some at once, then one each kEvery, so that
// it costs a few megabytes a day at most. Pure.
class StorySample {
 public:
  static constexpr Duration kEvery = std::chrono::seconds(10);
  static constexpr unsigned kAtOnce = 8;

  // Whether this one is.
  bool take(NodeTime now) {
    const NodeTime earliest = std::max(used_until_, now - kEvery * (kAtOnce - 1));
    if (earliest > now) return false;
    used_until_ = earliest + kEvery;
    return true;
  }

 private:
  NodeTime used_until_ = NodeTime::min();
};

}  // namespace spillway::agent
