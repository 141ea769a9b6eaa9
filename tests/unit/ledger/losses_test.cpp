#include "common/ledger/sqlite_ledger.h"
#include "tests/unit/store/answers.h"
#include "tests/unit/store/temp_folder.h"

// After all others: it redefines `new`.
#include "tests/unit/store/check_result.h"

using namespace spillway;
using namespace spillway::ledger;
using namespace std::chrono_literals;

namespace {

constexpr DataClass kTasks = DataClass::tasks;
constexpr LossCause kDisk = LossCause::disk_budget;
// 2026-11-20 00:00 UTC
constexpr Duration kDay = std::chrono::hours(24 * 20'777);

NodeTime at(Duration time) { return NodeTime(time); }

wire::LossEntry entry(Duration period, std::uint64_t count, std::uint64_t total,
                      LossCause cause = kDisk) {
  wire::LossEntry made;
  made.key = {kTasks, cause, loss_period(at(period))};
  made.first = kDay + period;
  made.last = kDay + period + 5min;
  made.count = count;
  made.total = total;
  return made;
}

}  // namespace

TEST_GROUP(DeviceLosses) {
  TempFolder folder;
  Answers answers;
  std::unique_ptr<SqliteLedger> ledger;
  wire::LossReport report{Origin{7}, 1, {1000, 0, 0, 0}, {}};

  void setup() override { open(); }
  void teardown() override { ledger.reset(); }
  void open() {
    ledger.reset();
    auto opened = SqliteLedger::open(folder.file("ledger.db"), answers.poster());
    CHECK_OK(opened);
    ledger = std::move(opened->ledger);
  }
  void tell(const wire::LossReport& what, const std::string& device = "pump-7") {
    LedgerBatch batch;
    batch.losses.emplace_back(device, what);
    CHECK_OK(answers.ask<Refused>([&](auto done) { ledger->commit(std::move(batch), done); }));
  }
  ClassAccount tasks(const std::string& device = "pump-7") {
    auto book = answers.ask<LossBook>([&](auto done) { ledger->losses(device, done); });
    CHECK_OK(book);
    return (*book)[0];
  }
};

TEST(DeviceLosses, P23_a_device_that_lost_nothing_is_complete) {
  tell(report);
  UNSIGNED_LONGS_EQUAL(1000, tasks().produced);
  STRCMP_EQUAL("complete", describe(tasks()).c_str());
  STRCMP_EQUAL("complete", describe(tasks("never-seen")).c_str());
}

TEST(DeviceLosses, P23_what_is_missing_is_said_with_number_time_and_cause) {
  report.entries = {entry(130min, 200, 214), entry(140min, 10, 214), entry(150min, 4, 214)};
  tell(report);
  STRCMP_EQUAL("missing 214, 2026-11-20 02:10\u201302:35 UTC, cause disk_budget",
               describe(tasks()).c_str());
}

TEST(DeviceLosses, P23_a_loss_that_has_no_number_is_said_to_be_at_least_what_is_counted) {
  report.entries = {entry(130min, 1, 1, LossCause::store)};
  report.entries[0].at_least = true;
  tell(report);
  open();
  STRCMP_EQUAL("missing at least 1, 2026-11-20 02:10\u201302:15 UTC, cause store",
               describe(tasks()).c_str());
}

TEST(DeviceLosses, P7_reports_that_come_twice_late_or_in_another_order_count_once) {
  wire::LossReport early = report, late = report;
  early.entries = {entry(10min, 3, 3)};
  late.entries = {entry(10min, 5, 9), entry(60min, 4, 9)};
  late.produced[0] = 2000;
  for (const auto* each : {&late, &early, &late, &early}) tell(*each);
  open();
  UNSIGNED_LONGS_EQUAL(9, tasks().missing);
  UNSIGNED_LONGS_EQUAL(2000, tasks().produced);
  LONGS_EQUAL(2, tasks().lines.size());
}

TEST(DeviceLosses, causes_and_gaps_in_time_are_lines_of_their_own) {
  report.entries = {entry(10min, 1, 3), entry(90min, 2, 3), entry(10min, 5, 5, LossCause::items),
                    entry(10min, 9, 9, LossCause::retention)};
  tell(report);
  LONGS_EQUAL(3, tasks().lines.size());
  UNSIGNED_LONGS_EQUAL(8, tasks().missing);
  UNSIGNED_LONGS_EQUAL(9, tasks().let_go);
  STRCMP_CONTAINS(
      "missing 1, 2026-11-20 00:10\u201300:15 UTC, cause disk_budget; 2, 2026-11-20 01:30",
      describe(tasks()).c_str());
}

TEST(DeviceLosses, P23_the_sum_is_right_though_the_device_melted_periods_together) {
  report.entries = {entry(10min, 3, 3)};
  tell(report);
  report.entries = {entry(20min, 8, 8)};  // these five, and the three from before
  tell(report);
  UNSIGNED_LONGS_EQUAL(8, tasks().missing);
  STRCMP_EQUAL("missing 8, 2026-11-20 00:10\u201300:25 UTC, cause disk_budget",
               describe(tasks()).c_str());
}

TEST(DeviceLosses, devices_are_kept_apart_and_the_stores_of_one_are_added_up) {
  report.entries = {entry(10min, 3, 3)};
  tell(report);
  tell(report, "pump-8");
  report.origin = Origin{8};
  tell(report);
  UNSIGNED_LONGS_EQUAL(6, tasks().missing);
  UNSIGNED_LONGS_EQUAL(2000, tasks().produced);
  UNSIGNED_LONGS_EQUAL(3, tasks("pump-8").missing);
}

TEST(DeviceLosses, a_time_that_was_unknown_is_filled_in_once_the_clock_is_set) {
  report.entries = {entry(10min, 3, 3)};
  report.entries[0].first = report.entries[0].last = Duration{};
  tell(report);
  STRCMP_EQUAL("missing 3, at a time its clock did not know, cause disk_budget",
               describe(tasks()).c_str());
  report.entries = {entry(10min, 3, 3)};
  tell(report);
  STRCMP_CONTAINS("2026-11-20 00:10", describe(tasks()).c_str());
}

TEST(DeviceLosses, a_device_cannot_fill_the_ledger) {
  for (std::uint64_t store = 1; store <= 100; ++store) {
    report.origin = Origin{store};
    report.entries.clear();
    for (std::uint64_t i = 0; i < wire::kMaxLossEntries; ++i) {
      report.entries.push_back(entry(10min * (store * 64 + i), 1, 64));
    }
    tell(report);
  }
  UNSIGNED_LONGS_EQUAL(64 * 64, tasks().missing);
  LONGS_EQUAL(64'000, tasks().produced);
}

TEST(DeviceLosses, what_is_given_up_here_is_added_to_what_the_device_tells) {
  report.entries = {entry(10min, 3, 3)};
  tell(report);
  for (int i = 0; i < 2; ++i) {
    LedgerBatch batch;
    batch.lost.emplace_back("pump-7", entry(20min, 4, 0, LossCause::age));
    CHECK_OK(answers.ask<Refused>([&](auto done) { ledger->commit(std::move(batch), done); }));
  }
  open();
  UNSIGNED_LONGS_EQUAL(11, tasks().missing);
  STRCMP_CONTAINS("8, 2026-11-20 00:20\u201300:25 UTC, cause age", describe(tasks()).c_str());
}
