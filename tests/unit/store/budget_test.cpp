#include "common/store/budget.h"

#include <random>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::store;
using namespace std::chrono_literals;

namespace {

BudgetLimits small_limits() {
  BudgetLimits limits;
  limits.disk = 16 << 20;
  limits.memory = 8 << 20;
  limits.disk_free = 1 << 20;
  limits.inodes_free = 100;
  limits.flash_per_day = 1 << 30;
  limits.of(DataClass::tasks).items = 1000;
  return limits;
}

}  // namespace

TEST_GROUP(Budget) {
  BudgetLimits limits = small_limits();
  sqlite::DiskPlan plan = sqlite::plan_disk(limits.disk);
  Budget budget{limits};
  Usage usage;

  std::optional<LossCause> cause(Band band = Band::normal, std::uint64_t bytes = 300) {
    auto refusal = budget.refuse(band, bytes);
    return refusal ? std::optional(refusal->cause) : std::nullopt;
  }
};

TEST(Budget, P21_tasks_stop_at_nine_tenths_of_the_file) {
  usage.disk = plan.tasks() - disk_cost(300);
  budget.measure(usage);
  CHECK(!cause(Band::normal, 300));
  usage.disk += 1;
  budget.measure(usage);
  CHECK(cause(Band::normal, 300) == LossCause::disk_budget);
  CHECK(plan.file - plan.tasks() >= plan.file / 10);
}

TEST(Budget, what_was_let_in_counts_before_the_disk_shows_it) {
  budget.measure(usage);
  std::uint64_t in = 0;
  while (!cause(Band::normal, 60'000)) budget.reserve(60'000), ++in;
  CHECK(in * disk_cost(60'000) <= plan.tasks());
  CHECK((in + 1) * disk_cost(60'000) > plan.tasks());
  for (; in > 0; --in) budget.settle(60'000);
  UNSIGNED_LONGS_EQUAL(0, budget.reserved());
  CHECK(!cause());
}

TEST(Budget, a_refusal_says_when_to_come_back_and_one_that_never_fits_does_not) {
  budget.measure(usage);
  auto never = budget.refuse(Band::urgent, 64 << 20);
  CHECK(never && !never->retry_after);
  usage.tasks = 1000;
  budget.measure(usage);
  auto later = budget.refuse(Band::urgent, 10);
  CHECK(later && later->cause == LossCause::items && later->retry_after == 1000ms);
  STRCMP_EQUAL("tasks: 1000 unfinished of 1000", later->reason.c_str());
}

TEST(Budget, each_resource_refuses_by_its_own_name) {
  const auto expect = [&](LossCause expected, Usage with) {
    budget.measure(with);
    CHECK(cause() == expected);
    budget.measure({});
    CHECK(!cause());
  };
  expect(LossCause::disk_free, {.disk_free = 1 << 20});
  expect(LossCause::disk_free, {.disk_free = 0});
  expect(LossCause::disk_free, {.inodes_free = 100});
  expect(LossCause::memory, {.memory = 8 << 20});
  expect(LossCause::flash, {.flash = 1 << 30});
  expect(LossCause::items, {.tasks = 1000});
}

TEST(Budget, the_lowest_band_gives_way_first_when_asked_to) {
  limits.of(DataClass::tasks).on_full = OnFull::drop_lowest_band;
  budget.set_limits(limits);
  const std::pair<std::uint64_t, int> steps[] = {{799, 4}, {800, 3}, {900, 2}, {950, 1}, {1000, 0}};
  for (const auto& [tasks, bands] : steps) {
    usage.tasks = tasks;
    budget.measure(usage);
    for (int band = 0; band < 4; ++band) {
      CHECK_EQUAL(band < bands, !cause(static_cast<Band>(band)).has_value());
    }
  }
}

TEST(Budget, a_change_is_told_once_and_a_level_is_left_later_than_it_was_entered) {
  std::vector<int> told;
  for (std::uint64_t tasks : {700, 800, 790, 810, 760, 740, 990, 1000, 985, 1001, 969, 10}) {
    usage.tasks = tasks;
    if (!budget.measure(usage).empty()) told.push_back(static_cast<int>(tasks));
  }
  CHECK((told == std::vector<int>{800, 740, 990, 1000, 969, 10}));
}

TEST(Budget, without_limits_nothing_is_ever_short) {
  BudgetLimits none;
  none.flash_per_day = 0;
  none.disk_free = none.inodes_free = 0;
  Budget free(none);
  free.measure({.disk_free = 1, .inodes_free = 1, .flash = ~0ULL});
  CHECK(!free.refuse(Band::background, 1).has_value());
}

// A store in which a task costs what it costs and never less than nothing, under ten times what it
// can take: whatever comes in which order, the file's part for tasks is never passed, and a better
// band is never refused while a lower one is accepted.
TEST(Budget, P20_a_million_random_steps_keep_tasks_inside_their_part) {
  limits.of(DataClass::tasks).on_full = OnFull::drop_lowest_band;
  budget.set_limits(limits);
  std::mt19937_64 random(4711);
  std::vector<std::uint64_t> stored, flying;
  std::uint64_t disk = 0, refused = 0, accepted = 0;
  for (int step = 0; step < 1'000'000; ++step) {
    const auto dice = random() % 12;
    if (dice < 10) {
      const auto band = static_cast<Band>(random() % 4);
      const std::uint64_t bytes = random() % 3 == 0 ? random() % 65'536 : random() % 2000;
      const bool in = !budget.refuse(band, bytes);
      if (in && band != Band::urgent) CHECK(!budget.refuse(Band::urgent, bytes));
      if (!in && band != Band::background)
        CHECK(budget.refuse(Band::background, bytes).has_value());
      (in ? accepted : refused) += 1;
      if (in) budget.reserve(bytes), flying.push_back(bytes);
    } else if (dice == 10) {
      for (std::uint64_t bytes : flying) {
        // What a row takes besides its spec is at most what was assumed.
        disk += bytes + random() % kTaskOverhead;
        stored.push_back(bytes);
        budget.settle(bytes);
      }
      flying.clear();
      usage.disk = disk;
      usage.tasks = stored.size();
      budget.measure(usage);
    } else if (!stored.empty()) {
      disk -= std::min(disk, stored.back());
      stored.pop_back();
    }
    CHECK(disk + budget.reserved() <= plan.tasks());
  }
  CHECK(refused > accepted && accepted > 10'000);
}
