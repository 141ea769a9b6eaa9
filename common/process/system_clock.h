#pragma once

#include "common/base/clock.h"

namespace spillway::process {

// The kernel's clocks: CLOCK_BOOTTIME, which goes on while the machine is suspended and is never
// set, and CLOCK_REALTIME. Any thread.
class BootClock final : public Clock {
 public:
  Duration boot_time() const override;
  Duration wall_time() const override;
};

}  // namespace spillway::process
