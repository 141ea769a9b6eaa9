#include "tests/chaos/cuts/power_cuts.h"

#include "tests/support/temp_dir.h"
#include "tests/unit/store/temp_folder.h"

// After all others: it redefines `new`.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::chaos;

TEST_GROUP(PowerCuts) {
  TempFolder folder;
  CutReport run(CutCampaign campaign) {
    campaign.folder = folder.path();
    return cut_power(campaign);
  }
};

TEST(PowerCuts, P1_to_P3_P6_P9_P10_hold_after_at_least_a_thousand_distinct_power_cuts) {
  const CutReport report = run({.cuts = 1200, .seed = 1});
  UT_PRINT(summary(report).c_str());
  STRCMP_EQUAL("", report.violation.c_str());
  CHECK_TRUE(report.cuts >= 1000);
}

TEST(PowerCuts, catch_a_store_that_acknowledges_before_it_commits) {
  const CutReport report = run({.cuts = 1000, .seed = 1, .answers = Answers::at_once});
  STRCMP_CONTAINS("P9: batch", report.violation.c_str());
  CHECK_TRUE(report.cuts < 1000);
}

TEST(PowerCuts, catch_a_drive_that_answers_syncs_and_does_nothing) {
  const CutReport report = run({.cuts = 1000, .seed = 1, .lying_drive = true});
  CHECK_FALSE(report.violation.empty());
}
