#include <array>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "common/kinds/csv_inspect.h"
#include "tests/support/data_folder.h"
#include "tests/unit/kinds/kind_run.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::kinds;

namespace {

// What a column's values, with those before held over gaps, come to; computed with Python's csv and
// math from the same files. Power and peak only of files that are long enough, else 0.
struct Expected {
  const char* column;
  std::size_t missing;
  double mean, least, most;
  double power;           // of signal.spectrum
  double peak_row, peak;  // of anomaly.score; row -1 where several are as high
};

struct File {
  const char* name;
  std::size_t rows;
  const char* format;
  const char* first;
  const char* last;
  std::vector<const char*> read;  // the columns that are analysed when none is named
  std::vector<Expected> columns;
  std::size_t used_without_missing;
};

const std::vector<File> kFiles = {
    {"decimal_comma_day.csv",
     300,
     "day-first",
     "2026-03-01 00:00:00",
     "2026-03-01 04:59:00",
     {"Temperatur", "Druck"},
     {
         {"Temperatur", 0, 20.5543333, 17, 23, 5.26376088, -1, 4.08411584},
         {"Druck", 0, 1013.00667, 1012, 1014, 0.317114485, -1, 5.5621211},
     },
     300},
    {"decimal_comma_min.csv",
     3,
     "day-first",
     "2026-03-01 00:00:00",
     "2026-03-01 00:02:00",
     {"Temperatur"},
     {
         {"Temperatur", 0, 20.2, 20.1, 20.3, 0, 0, 0},
     },
     3},
    {"empty_column_day.csv",
     300,
     "year-first",
     "2026-03-01 00:00:04",
     "2026-03-03 01:50:04",
     {"SDS_P1", "SDS_P2", "BMP_temperature", "BMP_pressure", "Samples", "Min_cycle", "Max_cycle",
      "Signal"},
     {
         {"SDS_P1", 0, 12.8373667, 9.12, 15.95, 4.64729181, 95, 1.55653193},
         {"SDS_P2", 0, 7.7168, 5.14, 9.96, 2.04691986, 98, 1.59454751},
         {"BMP_temperature", 0, 17.7537667, 11.56, 21.18, 2.53932875, 299, 4.92083976},
         {"BMP_pressure", 0, 98999.35, 98950, 99050, 883.288085, 43, 1.50495183},
         {"Samples", 0, 592037.057, 590006, 593982, 1615678.48, 102, 1.33185535},
         {"Signal", 0, -62.5633333, -65, -60, 2.81955889, 156, 1.42399935},
     },
     300},
    {"empty_column_min.csv",
     3,
     "year-first",
     "2026-03-01 00:00:04",
     "2026-03-01 00:20:04",
     {"Temp"},
     {
         {"Temp", 0, 16.4, 16.3, 16.5, 0, 0, 0},
     },
     3},
    {"quoted_nan_day.csv",
     300,
     "year-first",
     "2026-03-01 00:00:00",
     "2026-03-03 01:50:00",
     {"BattV_Min", "AirT_Avg", "RH", "Rain_Tot"},
     {
         {"BattV_Min", 0, 12.6008333, 12.5, 12.7, 0.0028194507, 24, 1.49918284},
         {"AirT_Avg", 8, 8.34180333, 4, 12, 6.76805054, -1, 6.15232263},
         {"RH", 0, 71.4466667, 60, 80, 18.5567482, -1, 5.3099817},
     },
     292},
    {"quoted_nan_min.csv",
     3,
     "year-first",
     "2026-03-01 00:00:00",
     "2026-03-01 00:20:00",
     {"AirT_Avg"},
     {
         {"AirT_Avg", 1, 8.13333333, 8.1, 8.2, 0, 0, 0},
     },
     2},
    {"title_and_time_in_second_column_day.csv",
     301,
     "month-first, AM/PM",
     "2026-03-01 00:00:00",
     "2026-03-04 03:00:00",
     {"Temp, ", "RH, %"},
     {
         {"Temp", 1, 12.3649169, 10, 14, 2.33981168, 143, 4.08444753},
         {"RH", 1, 60.0304983, 55, 65, 7.85183677, -1, 5.62450295},
     },
     300},
    {"title_and_time_in_second_column_min.csv",
     3,
     "month-first, AM/PM",
     "2026-03-01 00:00:00",
     "2026-03-01 00:30:00",
     {"Temp, C"},
     {
         {"Temp", 0, 12.2, 12.1, 12.3, 0, 0, 0},
     },
     3},
};

}  // namespace

// Files in the shapes that field loggers write.
TEST_GROUP(LoggerFiles) {
  test::DataFolder data{"loggers"};

  static void close_to(double expected, std::optional<double> value, const char* what) {
    CHECK_TEXT(value.has_value(), what);
    DOUBLES_EQUAL_TEXT(expected, *value, std::abs(expected) * 2e-8 + 1e-12, what);
  }
  static void check_analyses(const std::string& csv, const File& file, const Expected& of) {
    const Labels one = {{"missing", "hold"}, {"columns", of.column}, {"window", "100000"}};
    const std::string stats = run_text(stats_window_kind(), csv, one);
    close_to(static_cast<double>(file.rows), json_number(stats, "rows"), stats.c_str());
    close_to(of.mean, json_numbers(stats, "mean").at(0), stats.c_str());
    close_to(of.least, json_numbers(stats, "min").at(0), stats.c_str());
    close_to(of.most, json_numbers(stats, "max").at(0), stats.c_str());
    if (of.peak == 0) return;
    const std::string spectrum =
        run_text(signal_spectrum_kind(), csv, {{"missing", "hold"}, {"column", of.column}});
    close_to(static_cast<double>(file.rows), json_number(spectrum, "rows"), spectrum.c_str());
    close_to(of.power, json_number(spectrum, "power"), spectrum.c_str());
    const std::string scores =
        run_text(anomaly_score_kind(), csv, {{"missing", "hold"}, {"columns", of.column}});
    close_to(105, json_number(scores, "train_rows"), scores.c_str());
    if (of.peak_row >= 0) close_to(of.peak_row, json_number(scores, "row"), scores.c_str());
    close_to(of.peak, json_number(scores, "score"), scores.c_str());
  }
  static std::vector<std::string> names(const std::string& stats) {
    std::vector<std::string> found;
    const std::string key = "{\"name\":\"";
    for (std::size_t at = 0; (at = stats.find(key, at)) != std::string::npos;) {
      at += key.size();
      found.push_back(stats.substr(at, stats.find('"', at) - at));
    }
    return found;
  }
};

TEST(LoggerFiles, every_one_is_known_here) {
  if (!data.available()) return;
  std::set<std::string> known, found;
  for (const File& file : kFiles) known.insert(file.name);
  for (const auto& entry : std::filesystem::directory_iterator(data.path())) {
    if (entry.path().extension() == ".csv") found.insert(entry.path().filename());
  }
  CHECK(known == found);
}

TEST(LoggerFiles, are_understood_with_their_times_and_gaps) {
  if (!data.available()) return;
  for (const File& file : kFiles) {
    TableOptions options;
    options.missing = Missing::hold;
    Result<CsvInspection> seen = inspect_csv(data.read(file.name), options);
    CHECK_TEXT(seen.ok(), file.name);
    STRCMP_EQUAL_TEXT("", seen->refused.c_str(), file.name);
    UNSIGNED_LONGS_EQUAL_TEXT(file.rows, seen->rows, file.name);
    STRCMP_EQUAL_TEXT(file.format, seen->time_format.c_str(), file.name);
    STRCMP_EQUAL_TEXT(file.first, seen->first_time.c_str(), file.name);
    STRCMP_EQUAL_TEXT(file.last, seen->last_time.c_str(), file.name);
    for (const Expected& of : file.columns) {
      for (const InspectedColumn& column : seen->columns) {
        if (!column.name.starts_with(of.column)) continue;
        STRCMP_EQUAL_TEXT("measurement", column.role.c_str(), of.column);
        UNSIGNED_LONGS_EQUAL_TEXT(of.missing, column.missing, of.column);
        UNSIGNED_LONGS_EQUAL_TEXT(file.rows - of.missing, column.values, of.column);
      }
    }
  }
}

TEST(LoggerFiles, give_each_analysis_the_values_that_another_tool_finds) {
  if (!data.available()) return;
  for (const File& file : kFiles) {
    const std::string csv = data.read(file.name);
    for (const Expected& of : file.columns) check_analyses(csv, file, of);
  }
}

TEST(LoggerFiles, are_analysed_without_counters_times_and_remarks_when_nothing_is_named) {
  if (!data.available()) return;
  for (const File& file : kFiles) {
    const std::string csv = data.read(file.name);
    const std::string stats = run_text(stats_window_kind(), csv, {{"missing", "skip"}});
    close_to(static_cast<double>(file.used_without_missing), json_number(stats, "rows"), file.name);
    const std::vector<std::string> found = names(stats);
    UNSIGNED_LONGS_EQUAL_TEXT(file.read.size(), found.size(), file.name);
    for (std::size_t i = 0; i < found.size(); ++i) {
      CHECK_TEXT(found[i].starts_with(file.read[i]), found[i].c_str());
    }
    if (file.rows < 10) continue;
    const std::string spectrum = run_text(signal_spectrum_kind(), csv, {{"missing", "skip"}});
    STRCMP_CONTAINS((std::string("{\"column\":\"") + file.read[0]).c_str(), spectrum.c_str());
    const std::string scores = run_text(anomaly_score_kind(), csv, {{"missing", "skip"}});
    close_to(static_cast<double>(file.used_without_missing), json_number(scores, "rows"),
             file.name);
    STRCMP_CONTAINS((std::string("\"columns\":[\"") + file.read[0]).c_str(), scores.c_str());
  }
}

// The files as they come from other systems and out of spreadsheets.
TEST(LoggerFiles, mean_the_same_after_what_other_programs_do_to_them) {
  if (!data.available()) return;
  for (const File& file : kFiles) {
    const std::string plain = [&] {
      std::string out;
      for (const char c : data.read(file.name)) {
        if (c != '\r') out += c;
      }
      return out;
    }();
    const Labels args = {{"missing", "hold"}};
    const std::string wanted = run_text(stats_window_kind(), plain, args);
    CHECK_TEXT(is_json(wanted), wanted.c_str());
    const char delimiter = plain.find(';') < plain.size() ? ';' : ',';
    std::string crlf, trailing, spaced;
    for (const char c : plain) {
      if (c == '\n') {
        crlf += '\r';
        trailing += delimiter;
        spaced += "\n";
      }
      for (std::string* text : {&crlf, &trailing, &spaced}) *text += c;
    }
    const std::string mark = plain.starts_with("\xef") ? "" : "\xef\xbb\xbf";
    const std::string bare = mark.empty() ? plain.substr(3) : plain;
    for (const std::string& text :
         {crlf, mark + plain, spaced, plain + "\n\n", plain + std::string(9, delimiter) + "\n",
          std::string("sep=") + delimiter + "\n" + bare, plain.substr(0, plain.size() - 1)}) {
      STRCMP_EQUAL_TEXT(wanted.c_str(), run_text(stats_window_kind(), text, args).c_str(),
                        (file.name + (": " + text.substr(0, 80))).c_str());
    }
    // A title gains a delimiter there, too, so it is said where the names stand.
    const Labels skip = {{"missing", "hold"}, {"skip", plain.starts_with("\xef") ? "1" : "0"}};
    STRCMP_EQUAL_TEXT(wanted.c_str(), run_text(stats_window_kind(), trailing, skip).c_str(),
                      file.name);
  }
}
