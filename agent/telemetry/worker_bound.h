#pragma once

#include "common/wire/telemetry.h"

namespace spillway::agent {

// How many workers heat and charge allow. Half, from 85 °C or a throttled processor on until
// neither is so and it is below 75 °C; one, while less than a fifth of the battery is left and it
// is being used. What a machine does not know bounds nothing. One thread.
class WorkerBound {
 public:
  // How many of `most` workers; at least 1.
  unsigned of(unsigned most, const wire::Metrics& machine);

 private:
  bool hot_ = false;
};

}  // namespace spillway::agent
