#include "common/process/system_clock.h"

#include <time.h>

namespace spillway::process {
namespace {

Duration read(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return std::chrono::duration_cast<Duration>(std::chrono::seconds(now.tv_sec) +
                                              std::chrono::nanoseconds(now.tv_nsec));
}

}  // namespace

Duration BootClock::boot_time() const { return read(CLOCK_BOOTTIME); }
Duration BootClock::wall_time() const { return read(CLOCK_REALTIME); }

}  // namespace spillway::process
