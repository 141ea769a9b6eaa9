#include "tests/chaos/chaos.h"

#include <algorithm>

#include "tests/chaos/overload.h"
#include "tests/support/own_world.h"
#include "tests/support/temp_dir.h"

// After all others: it redefines `new`.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::chaos;

TEST_GROUP(Chaos){};

TEST(Chaos, P1_to_P9_hold_for_real_programs_while_everything_under_them_breaks) {
  const std::string why = test::OwnWorld::enter();
  if (!why.empty()) UT_PRINT(("skipped: packets that are lost: " + why).c_str());
  test::TempDir folder("spillway-chaos");
  ChaosOptions options;
  options.folder = folder.path();
  options.binaries = SPILLWAY_BINARIES;
  options.lasts = std::chrono::seconds(40);
  options.seed = 20;
  options.tasks_per_second = 20;
  const TortureReport report = run_chaos(options);
  UT_PRINT(to_text(report).c_str());
  if (!report.clean()) {
    folder.keep();
    for (const std::string& line : report.log) UT_PRINT(line.c_str());
  }
  CHECK_TRUE(report.clean());
  CHECK_TRUE(report.accepted > 100);
  CHECK_TRUE(report.faults.size() >= 8);
  CHECK_TRUE(report.faults.contains("store_page_damaged"));
  CHECK_TRUE(report.faults.contains("store_log_damaged"));
  CHECK_TRUE(report.figures.at("dispatched") > 50);
}

TEST(Chaos, P20_P21_P23_ten_times_too_much_work_stays_inside_the_budget_and_every_loss_is_counted) {
  test::TempDir folder("spillway-chaos");
  ChaosOptions options;
  options.folder = folder.path();
  options.binaries = SPILLWAY_BINARIES;
  options.lasts = std::chrono::seconds(15);
  const TortureReport report = run_overload(options);
  UT_PRINT(to_text(report).c_str());
  if (!report.clean()) folder.keep();
  CHECK_TRUE(report.clean());
  CHECK_TRUE(report.refused > 100);
  CHECK_TRUE(report.expired > 0);
  CHECK_TRUE(report.accepted < report.refused);
}

TEST(Chaos, the_checker_sees_that_a_device_lost_its_store) {
  test::TempDir folder("spillway-chaos");
  ChaosOptions options;
  options.folder = folder.path();
  options.binaries = SPILLWAY_BINARIES;
  options.lasts = std::chrono::seconds(4);
  options.patience = std::chrono::seconds(5);
  options.agents = 1;
  options.sabotage = true;
  options.damage = false;
  const TortureReport report = run_chaos(options);
  CHECK_FALSE(report.clean());
  CHECK_TRUE(report.lost + report.doubled + report.mismatched > 0);
}

TEST(Chaos, a_report_is_one_line_of_json_whatever_stands_in_it) {
  TortureReport report;
  report.faults["kill_agent"] = 2;
  report.lost = 1;
  report.violations.push_back({"task \"7\"\nis lost", "C:\\log"});
  const std::string json = to_json(report);
  UNSIGNED_LONGS_EQUAL(0, std::count(json.begin(), json.end(), '\n'));
  STRCMP_CONTAINS("\"faults\":{\"kill_agent\":2}", json.c_str());
  STRCMP_CONTAINS("{\"what\":\"task \\\"7\\\"\\u000ais lost\",\"again\":\"C:\\\\log\"}",
                  json.c_str());
  CHECK_FALSE(report.clean());
}
