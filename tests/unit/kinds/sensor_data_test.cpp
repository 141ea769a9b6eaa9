#include <filesystem>
#include <string>

#include "tests/support/data_folder.h"
#include "tests/unit/kinds/kind_run.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::kinds;

TEST_GROUP(SensorData) { test::DataFolder data{"sensors"}; };

TEST(SensorData, every_recording_goes_through_every_analysis) {
  if (!data.available()) return;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(data.path())) {
    if (entry.path().extension() != ".csv") continue;
    std::string csv = data.read(entry.path().filename());
    for (const Kind& kind : {stats_window_kind(), signal_spectrum_kind(), anomaly_score_kind()}) {
      std::string value = run_text(kind, csv);
      CHECK_TEXT(is_json(value), (entry.path().string() + ": " + value.substr(0, 200)).c_str());
    }
    ++files;
  }
  CHECK(files > 0);
}

TEST(SensorData, valve_faults_are_found_better_than_by_chance) {
  if (!data.available()) return;
  for (const char* name : {"skab_valve1_0.csv", "skab_valve1_1.csv", "skab_valve1_3.csv",
                           "skab_valve1_4.csv", "skab_valve1_5.csv"}) {
    std::string value = run_text(anomaly_score_kind(), data.read(name));
    double base = *json_number(value, "positive") /
                  (*json_number(value, "rows") - *json_number(value, "train_rows"));
    CHECK_TEXT(*json_number(value, "precision") > base + 0.03, name);
    CHECK_TEXT(*json_number(value, "recall") > 0.7, name);
  }
}

TEST(SensorData, an_office_has_a_daily_rhythm) {
  if (!data.available()) return;
  std::string value =
      run_text(signal_spectrum_kind(), data.read("nab_ambient_temperature_system_failure.csv"),
               {{"window", "672"}, {"peaks", "10"}});
  bool daily = false;
  for (std::size_t i = 0; i < 10; ++i) {
    auto period = json_number(value, "period", i);
    daily = daily || (period && *period > 23.5 && *period < 24.5);
  }
  CHECK(daily);
}

TEST(SensorData, a_recording_cut_in_the_middle_of_a_row_is_read_up_to_it) {
  if (!data.available()) return;
  std::string csv = data.read("skab_valve1_0.csv");
  std::size_t middle = csv.find(';', csv.size() / 2);
  const std::string whole = csv.substr(0, csv.rfind('\n', middle) + 1);
  STRCMP_EQUAL(run_text(stats_window_kind(), whole).c_str(),
               run_text(stats_window_kind(), csv.substr(0, middle)).c_str());
}
