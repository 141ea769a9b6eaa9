#include <string>

#include "tests/unit/kinds/kind_run.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::kinds;

TEST_GROUP(StatsWindow) {
  Kind kind = stats_window_kind();
  std::string run(std::string_view csv, const Labels& args = {}) {
    return run_text(kind, csv, args);
  }
};

TEST(StatsWindow, agrees_with_a_computation_by_hand) {
  // Of 1 2 4 9: mean 4, deviations -3 -2 0 5, their squares sum to 38.
  std::string value = run("a\n1\n2\n4\n9\n", {{"quantiles", "0,0.5,0.75,1"}});
  STRCMP_EQUAL(
      R"({"rows":4,"window":120,"step":120,"windows":1,"columns":[{"name":"a","mean":[4],)"
      R"("deviation":[3.55902608],"min":[1],"max":[9],"q0":[1],"q0.5":[3],"q0.75":[5.25],"q1":[9]}]})",
      value.c_str());
}

TEST(StatsWindow, cuts_the_rows_into_windows_and_keeps_the_rest) {
  std::string value = run("a\n1\n2\n3\n4\n5\n", {{"window", "2"}});
  CHECK(json_numbers(value, "mean") == std::vector<double>({1.5, 3.5, 5}));
  CHECK(json_numbers(value, "min") == std::vector<double>({1, 3, 5}));
  CHECK(json_number(value, "windows") == 3);
}

TEST(StatsWindow, overlaps_windows_when_the_step_is_smaller) {
  std::string value = run("a\n1\n2\n3\n4\n5\n", {{"window", "3"}, {"step", "1"}});
  CHECK(json_numbers(value, "mean") == std::vector<double>({2, 3, 4}));
}

TEST(StatsWindow, leaves_rows_out_when_the_step_is_larger) {
  std::string value = run("a\n1\n2\n3\n4\n5\n", {{"window", "1"}, {"step", "3"}});
  CHECK(json_numbers(value, "mean") == std::vector<double>({1, 4}));
  value = run("a\n1\n2\n3\n4\n5\n6\n7\n", {{"window", "2"}, {"step", "5"}});
  CHECK(json_numbers(value, "mean") == std::vector<double>({1.5, 6.5}));
}

TEST(StatsWindow, gives_a_deviation_of_zero_to_a_single_row) {
  CHECK(json_numbers(run("a\n5\n"), "deviation") == std::vector<double>({0}));
}

TEST(StatsWindow, keeps_the_asked_columns_and_never_a_label) {
  std::string value = run("t,a,b,anomaly\n1,2,3,0\n", {{"columns", "b,t"}});
  CHECK(json_numbers(value, "mean", 0) == std::vector<double>({3}));
  CHECK(json_numbers(value, "mean", 1) == std::vector<double>({1}));
  CHECK(value.find("anomaly") == std::string::npos);
}

TEST(StatsWindow, does_not_overflow_between_huge_values) {
  std::string value = run("a\n1e100\n-1e100\n");
  CHECK(is_json(value));
  CHECK(value.find("null") == std::string::npos);
}

TEST(StatsWindow, refuses_bad_args_and_bad_input) {
  STRCMP_CONTAINS("unknown arg 'windows'; did you mean 'window'?",
                  run("a\n1\n", {{"windows", "3"}}).c_str());
  STRCMP_CONTAINS("arg window: '0' is not", run("a\n1\n", {{"window", "0"}}).c_str());
  STRCMP_CONTAINS("arg quantiles", run("a\n1\n", {{"quantiles", "1.5"}}).c_str());
  STRCMP_CONTAINS("no measurement column 'z'", run("a\n1\n", {{"columns", "z"}}).c_str());
  STRCMP_EQUAL("invalid_argument: the input is empty; a CSV with a header is wanted",
               run("").c_str());
}

TEST(StatsWindow, has_more_work_when_windows_overlap) {
  CHECK(work_of(kind, 1000, {{"window", "100"}, {"step", "1"}}) > 10 * work_of(kind, 1000, {}));
  CHECK(work_of(kind, 1000, {{"window", "bad"}}) > 0);
}
