#include "common/sqlite/disk_plan.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::sqlite;
using namespace std::chrono_literals;

TEST_GROUP(DiskPlan){};

TEST(DiskPlan, the_parts_of_the_disk_add_up_to_no_more_than_the_whole) {
  for (std::uint64_t disk = 16ULL << 20; disk <= 1ULL << 40; disk = disk * 3 / 2 + 4097) {
    DiskPlan parts = plan_disk(disk);
    CHECK(parts.file + parts.log <= disk);
    CHECK_EQUAL(0, parts.file % kPageBytes);
    // One commit more must fit into the log before it is written back.
    CHECK(parts.checkpoint * kLogFrameBytes <= parts.log / 2);
    CHECK(parts.tasks() < parts.results() && parts.results() < parts.file);
  }
}

TEST(DiskPlan, flash_leaks_away_in_a_day) {
  constexpr std::uint64_t kDay = 1 << 30;
  UNSIGNED_LONGS_EQUAL(kDay, leak(kDay, 0s, kDay));
  UNSIGNED_LONGS_EQUAL(kDay / 2, leak(kDay, 12h, kDay));
  UNSIGNED_LONGS_EQUAL(0, leak(kDay, 25h, kDay));
  UNSIGNED_LONGS_EQUAL(kDay, leak(kDay, 300h, 0));
}
