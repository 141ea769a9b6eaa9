#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "common/kinds/csv_inspect.h"
#include "common/kinds/table.h"
#include "tests/unit/kinds/kind_run.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::kinds;

// Files in the shapes that field loggers write.
TEST_GROUP(Loggers) {
  TableOptions options;
  std::filesystem::path folder;

  kinds::Table good(std::string_view text) {
    Result<kinds::Table> table = read_table(as_bytes(text), options);
    CHECK_TEXT(table.ok(), table ? "" : table.error().message.c_str());
    return std::move(*table);
  }
  void refuses(std::string_view text, const char* message) {
    Result<kinds::Table> table = read_table(as_bytes(text), options);
    CHECK_TEXT(!table.ok(), message);
    STRCMP_EQUAL(message, table.error().message.c_str());
  }
  static void check_values(const std::vector<double>& expected, const kinds::Column& column) {
    CHECK_TEXT(expected == column.values, column.name.c_str());
  }
  bool available() {
    const char* given = std::getenv("SPILLWAY_DATA");
    folder = std::filesystem::path(given ? given : SPILLWAY_DATA_BESIDE) / "loggers";
    if (std::filesystem::is_directory(folder)) return true;
    UT_PRINT(
        "skipped: there are no loggers' files; set SPILLWAY_DATA to a folder with loggers/*.csv");
    return false;
  }
  std::string read(const std::string& name) {
    std::ifstream file(folder / name, std::ios::binary);
    CHECK_TEXT(file.good(), name.c_str());
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

TEST(Loggers, a_campbell_file_has_four_lines_before_its_rows_and_quotes_what_is_missing) {
  const std::string toa5 =
      "\"TOA5\",\"Site\",\"CR1000\",\"1234\",\"CR1000.Std.32\",\"CPU:a.CR1\",\"5\",\"Table1\"\r\n"
      "\"TIMESTAMP\",\"RECORD\",\"BattV_Min\",\"AirT_Avg\"\r\n"
      "\"TS\",\"RN\",\"Volts\",\"Deg C\"\r\n"
      "\"\",\"\",\"Min\",\"Avg\"\r\n"
      "\"2026-03-01 00:00:00\",0,12.5,8.1\r\n"
      "\"2026-03-01 00:10:00\",1,12.6,\"NAN\"\r\n"
      "\"2026-03-01 00:20:00\",2,12.7,\"8.3\"\r\n";
  refuses(toa5,
          "line 6, column 4: the value is missing (column 'AirT_Avg'); missing=skip or hold goes "
          "on without it");
  options.missing = Missing::skip;
  kinds::Table table = good(toa5);
  UNSIGNED_LONGS_EQUAL(2, table.rows);
  check_values({12.5, 12.7}, table.features[1]);
  check_values({8.1, 8.3}, table.features[2]);
  options.missing = Missing::hold;
  check_values({8.1, 8.1, 8.3}, good(toa5).features[2]);
}

TEST(Loggers, a_title_stands_before_the_names_and_the_time_in_any_column) {
  const std::string hobo =
      "\xef\xbb\xbf\"Plot Title: cellar\"\n"
      "\"#\",\"Date Time, GMT+01:00\",\"Temp, \xc2\xb0"
      "C (LGR S/N: 1)\",\"Stopped (LGR S/N: 1)\"\n"
      "1,03/01/26 12:00:00 AM,12.1,\n"
      "2,03/01/26 12:15:00 PM,12.2,\n"
      "3,03/01/26 12:30:00 PM,,Logged\n";
  options.missing = Missing::skip;
  kinds::Table table = good(hobo);
  UNSIGNED_LONGS_EQUAL(2, table.features.size());
  check_values({12.1, 12.2}, table.features[1]);
  options.columns = {"Temp"};
  check_values({12.1, 12.2}, good(hobo).features[0]);
  UNSIGNED_LONGS_EQUAL(1, good(hobo).features.size());
}

TEST(Loggers, a_decimal_comma_is_found_where_no_point_contradicts_it) {
  const char* text = "Zeit;Temperatur\n01.03.2026 00:00;20,10\n01.03.2026 00:01;+21\n";
  check_values({20.1, 21}, good(text).features[0]);
  check_values({0.5, 1}, good("a\tb\n0,5\t1,5\n1\t2\n").features[0]);
  options.shape.decimal = '.';
  refuses(
      text,
      "line 2, column 2: '20,10' is not a number (column 'Temperatur'); decimal=comma reads it");
}

TEST(Loggers, only_the_columns_that_are_named_are_parsed) {
  options.columns = {"b"};
  check_values({2, 4}, good("a,b,c,c\nx,2,,1 2\n3,4,y,\n").features[0]);
  refuses("a,b\n1,x\n", "line 2, column 2: 'x' is not a number (column 'b')");
  refuses("a,b\n1,\n",
          "line 2, column 2: the value is missing (column 'b'); missing=skip or hold goes on "
          "without it");
}

TEST(Loggers, empty_columns_and_a_delimiter_at_the_end_of_rows_are_left_out) {
  kinds::Table table = good("a;;b;\n1;;2;\n3;;4;\n");
  UNSIGNED_LONGS_EQUAL(2, table.features.size());
  check_values({2, 4}, table.features[1]);
  check_values({1, 3}, good("a,b\n1,2,\n3,4,\n").features[0]);
  check_values({1, 3}, good("a,b,\n1,2\n3,4\n").features[0]);
  refuses("a,b\n1,2,3\n", "line 2: 3 fields where the header has 2; the row is cut or ragged");
}

TEST(Loggers, whatever_stands_for_a_missing_value_is_one) {
  options.missing = Missing::skip;
  for (const char* word : {"", "NAN", "NaN", "-", "null", "\"\"", "\"NAN\"", "NA", "n/a", "-nan"}) {
    kinds::Table table = good("a,b\n1,2\n3," + std::string(word) + "\n5,6\n");
    check_values({1, 5}, table.features[0]);
  }
}

TEST(Loggers, rows_before_the_first_value_have_nothing_to_hold) {
  options.missing = Missing::hold;
  kinds::Table table = good("a,b\n1,\n2,7\n,8\n4,\n");
  check_values({2, 2, 4}, table.features[0]);
  check_values({7, 8, 8}, table.features[1]);
}

TEST(Loggers, every_row_may_lack_something_which_is_said) {
  options.missing = Missing::skip;
  STRCMP_CONTAINS("every row lacks a value",
                  read_table(as_bytes("a,b\n1,\n,2\n"), options).error().message.c_str());
}

TEST(Loggers, tabs_and_blanks_delimit_where_names_and_rows_agree) {
  check_values({2, 4}, good("a\tb\n1\t2\n3\t4\n").features[1]);
  check_values({2, 4}, good("a   b\n 1  2\n10 \t4  \n").features[1]);
  STRCMP_EQUAL("air temp", good("air temp\n1\n").features[0].name.c_str());
  check_values({12.1}, good("Zeit;Temp, C;RH, %\n1.3.26 00:00;12,1;60,2\n").features[0]);
}

TEST(Loggers, dates_without_a_time_of_day_are_no_measurements) {
  for (const char* date : {"2026-03-01", "2026/03/01", "01.03.2026", "3/1/26", "01-03-2026"}) {
    kinds::Table table = good("n,day,v\n7," + std::string(date) + ",1\n");
    STRCMP_EQUAL("v", table.features[1].name.c_str());
    UNSIGNED_LONGS_EQUAL(2, table.features.size());
  }
}

TEST(Loggers, what_is_said_of_the_header_is_obeyed) {
  options.shape.skip = 2;
  options.shape.header = 2;
  check_values({3}, good("x,1\ny\na,b\n1,2\n3,4\n").features[0]);
  options.shape.skip = 0;
  options.shape.header = 0;
  kinds::Table table = good("1,2\n3,4\n");
  STRCMP_EQUAL("column 2", table.features[1].name.c_str());
  check_values({1, 3}, table.features[0]);
  options.shape.skip = 9;
  refuses("1,2\n", "arg skip: the input has no more than 9 lines");
}

TEST(Loggers, a_column_of_unix_seconds_is_the_time_when_named_so) {
  options.shape.time = "ts";
  kinds::Table table = good("v,ts\n1,1772323200\n");
  UNSIGNED_LONGS_EQUAL(1, table.features.size());
  options.shape.time = "tz";
  refuses("v,ts\n1,2\n", "arg time: there is no column 'tz'; did you mean 'ts'?");
}

TEST(Loggers, a_word_among_numbers_is_an_error_in_either_order) {
  refuses("a,b\n1,2\n3,x\n", "line 3, column 2: 'x' is not a number (column 'b')");
  refuses("a,b\n1,x\n3,2\n", "line 2, column 2: 'x' is not a number (column 'b')");
  refuses("a,b\n1,7x\n", "line 2, column 2: '7x' is not a number (column 'b')");
}

// Large enough to be read in parts, with what only the whole shows at either end.
TEST(Loggers, parts_do_not_show_in_what_is_missing) {
  std::string text = "a,b,c,d\n";
  for (int i = 0; text.size() < 600'000; ++i) {
    text += std::to_string(i) + (i % 7 ? ",1.5," : ",NAN,") + (i > 20'000 ? "9" : "") + ",\n";
  }
  for (Missing missing : {Missing::error, Missing::skip, Missing::hold}) {
    options.missing = missing;
    const Labels none;
    ThreadedContext context(as_bytes(text), none);
    Result<kinds::Table> parts = read_table(context, options);
    Result<kinds::Table> whole = read_table(as_bytes(text), options);
    CHECK_EQUAL(missing != Missing::error, whole.ok());
    CHECK_EQUAL(whole.ok(), parts.ok());
    if (!whole) {
      STRCMP_EQUAL(whole.error().message.c_str(), parts.error().message.c_str());
      continue;
    }
    UNSIGNED_LONGS_EQUAL(3, parts->features.size());
    for (std::size_t i : {0u, 1u, 2u})
      CHECK(whole->features[i].values == parts->features[i].values);
  }
}

TEST(Loggers, kinds_take_the_args_that_say_how_to_read) {
  const std::string text = "remark\nt;v;w\n1;2,5;x\n2;;y\n3;4,5;z\n";
  const Labels args = {{"columns", "v"}, {"missing", "skip"},  {"skip", "1"},
                       {"header", "1"},  {"decimal", "comma"}, {"delimiter", "semicolon"},
                       {"time", "t"}};
  STRCMP_CONTAINS("\"mean\":[3.5]", run_text(stats_window_kind(), text, args).c_str());
  STRCMP_CONTAINS("arg missing: 'drop' is not error or skip or hold",
                  run_text(anomaly_score_kind(), text, {{"missing", "drop"}}).c_str());
}

TEST(Loggers, every_file_of_a_logger_goes_through_every_analysis) {
  if (!available()) return;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (!name.ends_with("_day.csv")) continue;
    const std::string csv = read(name);
    for (const Kind& kind : {stats_window_kind(), signal_spectrum_kind(), anomaly_score_kind()}) {
      const std::string value = run_text(kind, csv, {{"missing", "hold"}});
      CHECK_TEXT(is_json(value), (name + ": " + value.substr(0, 200)).c_str());
    }
    ++files;
  }
  CHECK(files > 0);
}

TEST(Loggers, every_file_is_understood_with_its_times) {
  if (!available()) return;
  const std::pair<const char*, const char*> firsts[] = {
      {"decimal_comma_min.csv", "2026-03-01 00:00:00"},
      {"empty_column_min.csv", "2026-03-01 00:00:04"},
      {"quoted_nan_min.csv", "2026-03-01 00:00:00"},
      {"title_and_time_in_second_column_min.csv", "2026-03-01 00:00:00"}};
  for (const auto& [name, first] : firsts) {
    Result<CsvInspection> seen = inspect_csv(read(name), {}, std::nullopt);
    CHECK_TEXT(seen.ok(), name);
    UNSIGNED_LONGS_EQUAL(3, seen->rows);
    STRCMP_EQUAL(first, seen->first_time.c_str());
  }
}
