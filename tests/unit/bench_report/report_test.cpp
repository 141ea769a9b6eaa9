#include "tests/bench/report/report.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using bench::Goal;
using bench::Report;
using bench::Row;

TEST_GROUP(Report) { Report report{"submit"}; };

TEST(Report, is_read_back_as_it_was_written) {
  report.condition("rounds", "5, \"medians\"");
  report.add({"one \\ client", 473.25, "us", 248.0, Goal::at_most(1.3)});
  report.add({"to look at", 12, "tasks/s"});
  const auto read = Report::parse(report.json());
  CHECK(bool(read));
  STRCMP_EQUAL(report.json().c_str(), read->json().c_str());
  STRCMP_EQUAL(report.table().c_str(), read->table().c_str());
}

TEST(Report, leaves_out_a_row_whose_figure_is_none) {
  report.add({"never came", std::numeric_limits<double>::infinity(), "us"});
  report.add({"came", 1, "us"});
  const auto read = Report::parse(report.json());
  CHECK(bool(read));
  LONGS_EQUAL(1, read->rows().size());
  STRCMP_EQUAL("came", read->rows().front().name.c_str());
}

TEST(Report, refuses_what_is_no_report) {
  for (const char* text : {"", "{", "[]", "{\"rows\":[]}", "{\"bench\":\"x\"}",
                           "{\"bench\":\"x\",\"rows\":{}}", "{\"bench\":\"x\",\"rows\":[1]}"}) {
    const auto read = Report::parse(text);
    CHECK_TEXT(!read, text);
    CHECK(read.error().code == Code::corrupt);
  }
}

TEST(Report, a_goal_is_read_back_and_other_words_are_none) {
  for (const Goal goal : {Goal::at_least(0.8), Goal::at_most(1.3), Goal::within(0.25)}) {
    const auto read = Goal::parse(goal.text());
    CHECK(read.has_value());
    CHECK(read->sense == goal.sense);
    DOUBLES_EQUAL(goal.bound, read->bound, 0);
  }
  CHECK(!Goal::parse("").has_value());
  CHECK(!Goal::parse("as fast as can be").has_value());
}

TEST(Report, says_of_a_row_what_the_build_before_did) {
  Row row{"one client", 30, "us"};
  report.add(row);
  CHECK(report.table().find("now/before") == std::string::npos);
  CHECK(report.json().find("against") == std::string::npos);
  row.before = {60, 0.4, 0.7};
  report.add(row);
  CHECK(report.json().find("\"against\":{\"value\":60,\"ratio\":0.5,\"least_ratio\":0.4,"
                           "\"most_ratio\":0.7}") != std::string::npos);
  CHECK(report.table().find(" before now/before of runs\n") != std::string::npos);
  CHECK(report.table().find("     60        0.5 0.4 to 0.7\n") != std::string::npos);
}
