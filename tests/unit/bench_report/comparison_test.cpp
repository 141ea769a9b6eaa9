#include "tests/bench/report/comparison.h"

#include <CppUTest/TestHarness.h>

using namespace spillway::bench;

TEST_GROUP(Comparison) {
  std::vector<Turn> turns;

  void turn(double now, double before) {
    turns.push_back({Report("submit"), Report("submit")});
    turns.back().now.add(
        {"one client", now, "us", 10.0 * double(turns.size()), Goal::at_most(1.3)});
    turns.back().before.add({"one client", before, "us"});
  }
  const Row& first(const Report& report) { return report.rows().front(); }
};

TEST(Comparison, shows_the_medians_of_both_sides_and_how_far_the_turns_lie_apart) {
  turn(10, 40);
  turn(30, 30);
  turn(20, 50);
  const Report report = compare(turns, "abc");
  LONGS_EQUAL(1, report.rows().size());
  DOUBLES_EQUAL(20, first(report).value, 0);
  DOUBLES_EQUAL(20, *first(report).reference, 0);
  DOUBLES_EQUAL(40, first(report).before->value, 0);
  DOUBLES_EQUAL(0.5, *first(report).to_before(), 0);
  DOUBLES_EQUAL(0.25, first(report).before->least_ratio, 0);
  DOUBLES_EQUAL(1, first(report).before->most_ratio, 0);
  CHECK(first(report).goal->bound == 1.3);
}

TEST(Comparison, says_what_it_was_held_against) {
  turn(1, 1);
  turns.front().now.condition("rounds", "5");
  const auto conditions = compare(turns, "abc").conditions();
  LONGS_EQUAL(2, conditions.size());
  STRCMP_EQUAL("rounds", conditions[0].first.c_str());
  STRCMP_EQUAL("abc, 1 turn", conditions[1].second.c_str());
}

TEST(Comparison, a_row_that_only_this_build_has_stands_alone) {
  turn(1, 1);
  turns.front().now.add({"new", 5, "us"});
  turns.front().before.add({"new", 5, "ms"});
  turns.front().before.add({"gone", 5, "us"});
  const Report report = compare(turns, "abc");
  LONGS_EQUAL(2, report.rows().size());
  CHECK(!report.rows().back().before.has_value());
}

TEST(Comparison, a_row_that_some_runs_lack_is_of_those_that_have_it) {
  turn(1, 1);
  turn(1, 1);
  turns.back().now.add({"late", 5, "us"});
  turns.back().before.add({"late", 10, "us"});
  const Report report = compare(turns, "abc");
  LONGS_EQUAL(2, report.rows().size());
  DOUBLES_EQUAL(0.5, *report.rows().back().to_before(), 0);
}
