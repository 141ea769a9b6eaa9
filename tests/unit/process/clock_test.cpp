#include "common/process/system_clock.h"

#include <time.h>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::process;

TEST_GROUP(BootClock) {
  BootClock clock;
  static Duration kernel(clockid_t id) {
    timespec now{};
    clock_gettime(id, &now);
    return std::chrono::seconds(now.tv_sec) + Duration(now.tv_nsec / 1000);
  }
};

TEST(BootClock, reads_the_time_since_boot) {
  const Duration before = kernel(CLOCK_BOOTTIME);
  const Duration read = clock.boot_time();
  const Duration after = kernel(CLOCK_BOOTTIME);
  CHECK(before <= read && read <= after);
}

TEST(BootClock, reads_the_wall_time_since_1970) {
  const Duration before = kernel(CLOCK_REALTIME);
  const Duration read = clock.wall_time();
  CHECK(before <= read);
  CHECK(read - before < std::chrono::minutes(1));
}

TEST(BootClock, never_runs_backwards) {
  Duration last = clock.boot_time();
  for (int i = 0; i < 1000; ++i) {
    const Duration now = clock.boot_time();
    CHECK(last <= now);
    last = now;
  }
}
