#include <string>
#include <vector>

#include "tests/unit/kinds/kind_run.h"

// Last: it redefines new.
#include "tests/unit/kinds/csv_reading.h"

using namespace spillway;
using namespace spillway::kinds;

// Files in the shapes that field loggers write.
TEST_GROUP_BASE(Loggers, CsvReading){};

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
  UNSIGNED_LONGS_EQUAL(2, table.features.size());
  check_values({12.5, 12.7}, table.features[0]);
  check_values({8.1, 8.3}, table.features[1]);
  options.missing = Missing::hold;
  check_values({8.1, 8.1, 8.3}, good(toa5).features[1]);
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
  UNSIGNED_LONGS_EQUAL(1, table.features.size());
  check_values({12.1, 12.2}, table.features[0]);
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
  refuses("a,b\n1,x\n",
          "line 2, column 2: 'x' is not a number (column 'b'); nodata=x takes it "
          "for a missing value");
  refuses("a,b\n1,\n",
          "line 2, column 2: the value is missing (column 'b'); missing=skip or hold goes on "
          "without it");
}

TEST(Loggers, labels_are_read_by_those_kinds_alone_that_use_them) {
  const std::string text = "temp,anomaly\n1,0\n3,2\n";
  for (const Labels& args : {Labels{}, Labels{{"columns", "temp"}}}) {
    STRCMP_CONTAINS("\"mean\":[2]", run_text(stats_window_kind(), text, args).c_str());
    STRCMP_CONTAINS("line 3, column 2: '2' is not a label; only 0 and 1 are",
                    run_text(anomaly_score_kind(), text, args).c_str());
  }
  STRCMP_CONTAINS(
      "\"column\":\"temp\"",
      run_text(signal_spectrum_kind(), text + "1,0\n2,0\n1,0\n2,0\n1,0\n2,0\n", {}).c_str());
  STRCMP_EQUAL("", inspected(text).refused.c_str());
  remarks(text,
          "line 3, column 2: '2' is not a label; only 0 and 1 are, and kinds that use labels");
}

TEST(Loggers, a_wrong_time_is_a_remark_where_only_columns_are_named) {
  const char* text = "Date,temp\n01.03.2026,1\n30.02.2026,3\n";
  const std::string wrong = "line 3, column 1: '30.02.2026' is a date or time that does not exist";
  refuses(text, (wrong + "; with columns= no time is looked at").c_str());
  options.shape.time = "Date";
  const std::string said = wrong + "; with columns= and no time= none is looked at";
  refuses(text, said.c_str());
  options.columns = {"temp"};
  refuses(text, said.c_str());
  options.shape.time.clear();
  check_values({1, 3}, good(text).features[0]);
  remarks(text, wrong.c_str());
  STRCMP_EQUAL("", inspected(text).refused.c_str());
}

TEST(Loggers, empty_columns_and_a_delimiter_at_the_end_of_rows_are_left_out) {
  kinds::Table table = good("a;;b;\n1;;2;\n3;;4;\n");
  UNSIGNED_LONGS_EQUAL(2, table.features.size());
  check_values({2, 4}, table.features[1]);
  check_values({1, 3}, good("a,b\n1,2,\n3,4,\n").features[0]);
  check_values({1, 3}, good("a,b,\n1,2\n3,4\n").features[0]);
  refuses(
      "a,b\n1,2,3\n",
      "line 2, column 3: 3 fields where the header has 2; the row is cut or ragged, or its commas "
      "are decimal ones, and fields need another delimiter");
  refuses("a;b\n1;2;3\n",
          "line 2, column 3: 3 fields where the header has 2; the row is cut or ragged, or the "
          "names stand further down, to where skip= leads");
}

TEST(Loggers, a_column_without_a_name_is_left_out_whatever_it_holds) {
  for (const char* text : {"time,temp,\n13:30:00,12.1,3\n13:31:00,12.2,x\n",
                           "time,temp,,\n13:30:00,12.1,x,\n13:31:00,12.2,3\n"}) {
    kinds::Table table = good(text);
    UNSIGNED_LONGS_EQUAL_TEXT(1, table.features.size(), text);
    check_values({12.1, 12.2}, table.features[0]);
    const CsvInspection seen = inspected(text);
    STRCMP_EQUAL("no name, left out", seen.columns[2].role.c_str());
    STRCMP_EQUAL("", seen.refused.c_str());
    CHECK(seen.remarks.empty());
  }
  options.columns = {"column 3"};
  const char* text = "time,temp,,hum\n13:30:00,12.1,3,60\n13:31:00,12.2,4,61\n";
  check_values({3, 4}, good(text).features[0]);
  STRCMP_EQUAL("measurement", inspected(text).columns[2].role.c_str());
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

TEST(Loggers, tabs_delimit_where_units_and_numbers_have_commas) {
  const char* text = "Zeit\tTemp, C\tFeuchte, %\n13:30\t20,1\t60,5\n13:31\t20,2\t60,6\n";
  kinds::Table table = good(text);
  check_values({20.1, 20.2}, table.features[0]);
  check_values({60.5, 60.6}, table.features[1]);
  STRCMP_EQUAL("C", inspected(text).columns[1].unit.c_str());
  check_values({2, 4}, good("a,\tb\n1,\t2\n3,\t4\n").features[1]);
}

TEST(Loggers, what_only_looks_like_a_time_gives_way_to_one) {
  for (const char* id : {"00:1A:2B:3C:4D:5E", "00:11:22:33:44:55", "1.2.3"}) {
    const std::string text = "Id,Time,v\n" + std::string(id) + ",2026-03-01 13:30:00,1\n";
    STRCMP_EQUAL_TEXT("Time", inspected(text).time_column.c_str(), id);
    STRCMP_EQUAL_TEXT("2026-03-01 13:30:00", inspected(text).first_time.c_str(), id);
    const std::string when = "Id,when,v\n" + std::string(id) + ",2026-03-01 13:30:00,1\n";
    STRCMP_EQUAL_TEXT("when", inspected(when).time_column.c_str(), id);
  }
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
  refuses("a,b\n1,2\n3,x\n",
          "line 3, column 2: 'x' is not a number (column 'b'); nodata=x takes it "
          "for a missing value");
  refuses("a,b\n1,x\n3,2\n",
          "line 2, column 2: 'x' is not a number (column 'b'); nodata=x takes it "
          "for a missing value");
  refuses(
      "a,b\n1,7x\n",
      "line 2, column 2: '7x' is not a number (column 'b'); a number may have nothing behind it, "
      "such as a unit; columns= names others to read");
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

TEST(Loggers, a_record_counter_is_left_out_unless_it_is_named) {
  const char* counters[] = {"RECORD", "Record",        "RN",   "#",  "No.", "no", "Index", "Scan",
                            "Rec #",  "Record number", "\"\"", "seq"};
  for (const char* name : counters) {
    const std::string text = std::string(name) + ",v\n7,1.5\n8,2.5\n10,3.5\n";
    options.columns.clear();
    kinds::Table table = good(text);
    UNSIGNED_LONGS_EQUAL_TEXT(1, table.features.size(), name);
    check_values({1.5, 2.5, 3.5}, table.features[0]);
    STRCMP_EQUAL("record counter, left out", inspected(text).columns[0].role.c_str());
    options.columns = {name == std::string("\"\"") ? "column 1" : name};
    check_values({7, 8, 10}, good(text).features[0]);
    STRCMP_EQUAL("record counter", inspected(text).columns[0].role.c_str());
  }
}

TEST(Loggers, what_only_looks_like_a_record_counter_is_measured) {
  for (const char* text :
       {"Index,v\n42,1\n41,2\n", "Scan,v\n1.5,1\n2.5,2\n", "RECORD,v\n1.5,1\n2,2\n",
        "Samples,v\n1,1\n2,2\n", "v,NO\n5,1\n4,2\n", "Index,v\n1,1\n1,2\n"}) {
    UNSIGNED_LONGS_EQUAL_TEXT(2, good(text).features.size(), text);
  }
  // What radon has for a unit no counter has; without one, only what rises counts.
  for (const char* text : {"Rn [Bq/m3],v\n21,1\n25,2\n29,3\n", "Rn,v\n21,1\n25,2\n19,3\n",
                           "Rn,v\nW/m2,C\n1,1\n2,2\n", "Record (mm),v\n1,1\n2,2\n"}) {
    UNSIGNED_LONGS_EQUAL_TEXT(2, good(text).features.size(), text);
    STRCMP_EQUAL_TEXT("measurement", inspected(text).columns[0].role.c_str(), text);
  }
  // Campbell's second line of names tells, whatever the first says; a restart begins anew.
  UNSIGNED_LONGS_EQUAL(
      1, good("TS,Zeile,T\nTS,RN,C\n2026-03-01,4,1\n2026-03-02,0,2\n").features.size());
  refuses("#,time\n1,2026-03-01\n",
          "line 1: no column holds measurements, only time stamps, record counters and labels");
}

TEST(Loggers, dates_hold_to_one_order_for_the_whole_file) {
  refuses("Date,v\n03/13/2026,1\n13/03/2026,2\n",
          "line 3, column 1: '13/03/2026' has the day first, but the dates before it are "
          "month-first; with columns= no time is looked at");
  refuses("v,Date\n1,01/02/2026\n2,13/02/2026\n3,02/14/2026\n",
          "line 4, column 2: '02/14/2026' has the month first, but the dates before it are "
          "day-first; with columns= no time is looked at");
  options.missing = Missing::skip;
  for (const char* time : {"30.02.2026 00:00", "31.04.2026 00:00", "29.02.2026 00:00",
                           "01.03.2026 25:00", "01.03.2026 00:61"}) {
    refuses(std::string("v;t\n1;28.02.2026 00:00\n2;") + time + "\n",
            (std::string("line 3, column 2: '") + time +
             "' is a date or time that does not exist; with "
             "columns= no time is looked at")
                .c_str());
    refuses(std::string("v;t\n1;") + time + "\n", (std::string("line 2, column 2: '") + time +
                                                   "' is a date or time that does not exist; with "
                                                   "columns= no time is looked at")
                                                      .c_str());
  }
  UNSIGNED_LONGS_EQUAL(2, good("v;t\n1;28.02.2024\n2;29.02.2024\n").rows);
  UNSIGNED_LONGS_EQUAL(1, good("v;t\n1;28.02.2024\n2;\n").rows);
  options.missing = Missing::hold;
  UNSIGNED_LONGS_EQUAL(2, good("v;t\n1;28.02.2024\n2;\n").rows);
}

TEST(Loggers, an_order_of_dates_that_nothing_tells_is_said_and_can_be_said_otherwise) {
  const char* text = "Date,v\n03/04/2026,1\n03/05/2026,2\n";
  remarks(text, "the day is taken to come first; dates=month-first says otherwise");
  STRCMP_EQUAL("2026-04-03 00:00:00", inspected(text).first_time.c_str());
  options.shape.dates = DateOrder::month_first;
  STRCMP_EQUAL("2026-03-04 00:00:00", inspected(text).first_time.c_str());
  CHECK(inspected(text).remarks.empty());
  refuses(
      "Date,v\n13/03/2026,1\n",
      "line 2, column 1: '13/03/2026' has the day first, but dates=month-first; with columns= no "
      "time is looked at");
}

// Large enough to be read in two parts, which for one of these are each clear in themselves.
TEST(Loggers, parts_do_not_show_in_the_order_of_dates) {
  const std::size_t rows = 21'000;
  for (const std::size_t turn : {rows / 2, rows / 2 + 1, rows / 2 + 2}) {
    std::string text = "Date,v\n";
    for (std::size_t i = 0; i < rows; ++i) text += i < turn ? "03/13/2026,1\n" : "13/03/2026,1\n";
    const Labels none;
    ThreadedContext context(as_bytes(text), none);
    Result<kinds::Table> parts = read_table(context, options);
    CHECK(!parts.ok());
    STRCMP_EQUAL(read_table(as_bytes(text), options).error().message.c_str(),
                 parts.error().message.c_str());
  }
}

TEST(Loggers, a_first_line_for_the_spreadsheet_names_the_delimiter) {
  for (const char* text :
       {"sep=;\r\na;b\r\n1;2,5\r\n", "\xef\xbb\xbfsep=;\na;b\n1;2,5\n", "\"sep=;\"\na;b\n1;2,5\n",
        "sep=;\nPlot Title\na;b\n1;2,5\n", "sep=\t\na\tb\n1\t2,5\n", "SEP=,\na,b\n1,2.5\n"}) {
    kinds::Table table = good(text);
    UNSIGNED_LONGS_EQUAL_TEXT(2, table.features.size(), text);
    check_values({2.5}, table.features[1]);
  }
  refuses("sep=|\na|b\n",
          "line 1: 'sep=|' names no delimiter that is known: comma, semicolon, tab, blank");
  remarks("sep=;\na;b\n1;2\n", "the first line, sep=, names the delimiter and is left out");
  UNSIGNED_LONGS_EQUAL(1, inspected("sep=;\na;b\n1;2\n").skipped_lines);
}

TEST(Loggers, unix_times_are_found_under_the_names_that_they_have) {
  for (const char* name : {"ts", "epoch", "unix", "t", "time", "timestamp", "TS", "Unix Timestamp",
                           "Unix Time", "Epoch Time", "epoch_timestamp", "Epoch ms"}) {
    for (const char* unit : {"", "000"}) {
      const std::string text =
          "v," + std::string(name) + "\n1,1772323200" + unit + "\n2,1772323260" + unit + "\n";
      UNSIGNED_LONGS_EQUAL_TEXT(1, good(text).features.size(), text.c_str());
      const CsvInspection seen = inspected(text);
      STRCMP_EQUAL(name, seen.time_column.c_str());
      STRCMP_EQUAL(*unit ? "Unix milliseconds" : "Unix seconds", seen.time_format.c_str());
      STRCMP_EQUAL("2026-03-01 00:01:00Z", seen.last_time.c_str());
    }
  }
  // A temperature, a number of the logger, times of no year that can be.
  for (const char* value : {"21.5", "4", "9999999999999999", "100000000"}) {
    const std::string text = "v,t\n1," + std::string(value) + "\n";
    UNSIGNED_LONGS_EQUAL_TEXT(2, good(text).features.size(), value);
    STRCMP_EQUAL("", inspected(text).time_column.c_str());
  }
  UNSIGNED_LONGS_EQUAL(2, good("v,flow\n1,1772323200\n").features.size());
}

TEST(Loggers, date_and_time_of_day_in_two_columns_are_one_time) {
  for (const char* text : {"Date,Time,v\n13/03/2026,23:50:00,1\n14/03/2026,00:00:00,2\n",
                           "Uhrzeit;Datum;v\n23:50:00;13.03.2026;1\n00:00:00;14.03.2026;2\n",
                           "v,Date,Time\n1,2026-03-13,11:50 PM\n2,2026-03-14,12:00 AM\n"}) {
    UNSIGNED_LONGS_EQUAL_TEXT(1, good(text).features.size(), text);
    const CsvInspection seen = inspected(text);
    STRCMP_EQUAL("2026-03-13 23:50:00", seen.first_time.c_str());
    STRCMP_EQUAL("2026-03-14 00:00:00", seen.last_time.c_str());
    CHECK(seen.remarks.empty());
  }
  STRCMP_EQUAL("Date + Time", inspected("Time,Date,v\n10:00,2026-03-13,1\n").time_column.c_str());
  refuses("Date,Time,v\n13/03/2026,25:00,1\n",
          "line 2, column 1: '13/03/2026 25:00' is a date or time that does not exist; with "
          "columns= no time is looked at");
  // A time of day is left alone where it is not clear: which of two, far from the date, or said
  // otherwise.
  for (const char* text :
       {"Date,Start,End,v\n2026-03-13,10:00,11:00,1\n", "Date,v,Sunset\n2026-03-13,1,18:20\n"}) {
    STRCMP_EQUAL("Date", inspected(text).time_column.c_str());
  }
  options.shape.time = "Time";
  STRCMP_EQUAL("Time", inspected("Date,Time,v\n2026-03-13,10:00,1\n").time_column.c_str());
}

TEST(Loggers, a_title_that_looks_like_names_is_passed_over_and_said) {
  for (const char* text :
       {"Plot Title;;\nTime;Temp;RH\n13:30;20.5;60\n",
        "Plot Title,,\nSum,Temp,RH\nm,C,%\n1,20.5,60\n", "Plot Title;\nTemp;RH\n20.5;60\n",
        "# logger X, serial 5\ntime,temp\n13:30,20.5\n",
        "# logger X, serial 5\nSum,temp\n13,20.5\n",
        "Logger;X100\nLocation;North\nZeit;Temp\nhh:mm;C\n13:30;20.5\n",
        "Logger,X100\nOwner,me\n\"Date Time, GMT+01:00\",Temp\n13:30,20.5\n",
        "Station North\nTime Temp\n13:30 20.5\n"}) {
    const CsvInspection seen = inspected(text);
    const bool first = seen.columns[0].name == "Temp";
    const std::string name = seen.columns[first ? 0 : 1].name;
    CHECK_TEXT(name == "Temp" || name == "temp", text);
    STRCMP_EQUAL_TEXT("", seen.refused.c_str(), text);
    remarks(text,
            " is taken for the names of the columns, what stands before it for titles; skip=");
    kinds::Table table = good(text);
    check_values({20.5}, table.features[table.features[0].name == "Sum" ? 1 : 0]);
  }
  options.shape.skip = 0;
  STRCMP_EQUAL("Logger", inspected("Logger,X100\nTime,Temp\n13:30,20.5\n").columns[0].name.c_str());
}

TEST(Loggers, names_that_nothing_fits_better_than_stay_names) {
  for (const char* text :
       {"temp,,\n20.5,1,2\n", "#time,temp\ns,C\n13:30,20.5\n", "#,temp\n1,20.5\n",
        "Date,temp\ntime,C\n13:30,20.5\n", "#temp\n20.5\n", "temp;\nC;\n20.5;\n",
        "title\nsecond title\n#a,temp\n1,20.5\n", "Serial 1234\nPlace North\na,temp\n1,20.5\n"}) {
    const CsvInspection seen = inspected(text);
    const std::string name =
        seen.columns[seen.columns.size() == 2 && seen.columns[1].name != "column 2" ? 1 : 0].name;
    CHECK_TEXT(name == "temp" || name == "#temp", text);
    for (const std::string& remark : seen.remarks) CHECK_TEXT(!remark.starts_with("line "), text);
  }
}

TEST(Loggers, blank_lines_are_passed_over_wherever_they_are) {
  for (const char* text :
       {"a,b\n1,2\n\n3,4\n", "\n\na,b\n\n1,2\n3,4\n", "a,b\n1,2\n \t \n3,4\n\n\n",
        "a,b\r\n1,2\r\n\r\n3,4\r\n", "a,b\n1,2\n3,4\n,\n,\n", "a;b\r\n1;2\r\n3;4\r\n;;;\r\n;\r\n",
        "a,b\n1,2\n3,4\n, ,"}) {
    kinds::Table table = good(text);
    check_values({1, 3}, table.features[0]);
    check_values({2, 4}, table.features[1]);
    STRCMP_EQUAL("", inspected(text).refused.c_str());
  }
  remarks("a,b\n1,2\n\n \n3,4\n", "2 blank lines are left out");
  refuses("a,b\n1,2\n\n3,x\n",
          "line 4, column 2: 'x' is not a number (column 'b'); nodata=x takes it "
          "for a missing value");
  // Among others such a row lacks its values; a last one that has any is a row.
  refuses("a,b\n1,2\n,\n3,4\n",
          "line 3, column 1: the value is missing (column 'a'); missing=skip or hold goes on "
          "without it");
  options.missing = Missing::hold;
  check_values({2, 2}, good("a,b\n1,2\n3,\n").features[1]);
  options.shape.skip = 3;
  check_values({2, 4}, good("title\n\n\na,b\n1,2\n3,4\n").features[1]);
}

TEST(Loggers, quoted_numbers_in_a_file_with_commas_may_have_a_decimal_comma) {
  const char* text = "a,b,c\n\"21,5\",\"3,7\",1.25\n\"-22,25\",4,2.5\n\"1,5E-03\",\"+0,125\",3\n";
  kinds::Table table = good(text);
  check_values({21.5, -22.25, 0.0015}, table.features[0]);
  check_values({3.7, 4, 0.125}, table.features[1]);
  check_values({1.25, 2.5, 3}, table.features[2]);
  STRCMP_EQUAL("comma", inspected(text).decimal.c_str());
  remarks(text, "column 'a': its numbers in quotes have a decimal comma");
  refuses(
      "a,b\n\"21,5\",1\n22.5,1\n",
      "line 2, column 1: '21,5' is not a number (column 'a'); decimal=comma would refuse others, "
      "such as 22.5; columns= names those to read");
}

TEST(Loggers, what_may_be_thousands_is_not_guessed) {
  const char* quoted = "a,b\n\"1,234\",1\n\"12,500\",2\n";
  refuses(
      quoted,
      "line 2, column 1: '1,234' is not a number (column 'a'); it may be a decimal comma, which "
      "decimal=comma says, or of thousands");
  remarks(quoted,
          "column 'a': each number with a comma, such as 1,234, has three digits behind it; "
          "whether it is a decimal comma or of thousands is not guessed");
  check_values({0.5, 1.234}, good("a,b\n\"0,500\",1\n\"1,234\",2\n").features[0]);
  check_values({1234.567}, good("a,b\n\"1234,567\",1\n").features[0]);
  const char* semicolons = "a;b\n1,234;1\n";
  check_values({1.234}, good(semicolons).features[0]);
  remarks(semicolons,
          "it is taken for a decimal comma, not for thousands; decimal=point refuses it");
  options.shape.decimal = ',';
  check_values({1.234, 12.5}, good(quoted).features[0]);
  CHECK(inspected(quoted).remarks.empty());
}

TEST(Loggers, units_are_never_serial_numbers) {
  const std::pair<const char*, const char*> units[] = {
      {"Temp, \xc2\xb0"
       "C (LGR S/N: 10000000, SEN S/N: 10000000, LBL: cellar)",
       "\xc2\xb0"
       "C"},
      {"Stopped (LGR S/N: 1100042)", ""},
      {"Temp (\xc2\xb0"
       "C) (LGR S/N: 1)",
       "\xc2\xb0"
       "C"},
      {"Temp, (*C)", "*C"},
      {"Flow, total [l/s]", "l/s"},
      {"Temp (4)", ""},
      {"Temp (sensor 4)", ""},
      {"Speed [1/min]", "1/min"},
      {"Sun (W m-2)", "W m-2"},
      {"Temp (note: as built)", ""}};
  for (const auto& [name, unit] : units) {
    const CsvInspection seen = inspected("\"" + std::string(name) + "\",b\n1,2\n");
    STRCMP_EQUAL_TEXT(unit, seen.columns[0].unit.c_str(), name);
  }
  STRCMP_EQUAL("Stopped",
               find_shape("\"Stopped (LGR S/N: 1)\",b\n1,2\n", {})->columns[0].brief.c_str());
}

TEST(Loggers, a_header_that_comes_again_is_passed_over) {
  const std::string header =
      "\"TOA5\",\"Site\",\"CR1000\"\r\n\"TIMESTAMP\",\"RECORD\",\"T\"\r\n\"TS\",\"RN\",\"C\"\r\n"
      "\"\",\"\",\"Avg\"\r\n";
  const std::string restarted =
      "\"TOA5\",\"Site\",\"CR1000X\"" + header.substr(header.find("\r\n"));
  const std::string text = header + "\"2026-03-01 00:00:00\",7,1.5\r\n" + restarted +
                           "\"2026-03-01 00:10:00\",0,2.5\r\n\xef\xbb\xbf" + header +
                           "\"2026-03-01 00:20:00\",1,3.5\r\n" + header;
  check_values({1.5, 2.5, 3.5}, good(text).features[0]);
  remarks(text, "the header comes again 3 times among the rows and is left out there");
  UNSIGNED_LONGS_EQUAL(3, inspected(text).rows);
  check_values({1, 3}, good("Plot\na,b\n1,2\nPlot\na,b\n3,4\na,b\n").features[0]);
  refuses("a,b\n1,2\na,c\n3,4\n",
          "line 3, column 1: 'a' is not a number (column 'a'); nodata=a takes it "
          "for a missing value; the names seem to stand in line 3, to where skip=2 leads");
  refuses(header + "\"2026-03-01 00:00:00\",7,1.5\r\n" + header + "\"2026-03-01 00:10:00\",0,x\r\n",
          "line 10, column 3: 'x' is not a number (column 'T'); nodata=x takes it "
          "for a missing value");
}

TEST(Loggers, time_that_goes_back_is_said_and_no_error) {
  const char* text =
      "t,v\n25.10.2026 02:30,1\n25.10.2026 02:59,2\n25.10.2026 02:00,3\n25.10.2026 03:00,4\n";
  UNSIGNED_LONGS_EQUAL(4, good(text).rows);
  remarks(text,
          "line 4: the time goes back, 1 time in all; rows stay in the order in which they stand");
  CHECK(
      inspected("t,v\n2026-10-25 02:59:00+02:00,1\n2026-10-25 02:00:00+01:00,2\n").remarks.empty());
}

TEST(Loggers, other_ways_of_writing_are_read_or_refused_in_one_clear_line) {
  check_values({-0.00012, 5, 1e3}, good("v\n-1.2E-04\n+5\n1e3\n").features[0]);
  check_values({-0.00012, 5}, good("v;w\n-1,2E-04;1\n+5;2\n").features[0]);
  refuses(std::string_view("\xff\xfev\0\n\0", 6), "the text is in UTF-16; save it as UTF-8");
  refuses(std::string_view("\xfe\xff\0v\0\n", 6), "the text is in UTF-16; save it as UTF-8");
  refuses("v\n1\nOVER\n",
          "line 3, column 1: 'OVER' is not a number (column 'v'); nodata=OVER takes it "
          "for a missing value");
  options.missing = Missing::skip;
  check_values({1, 2}, good("v\n1\n#N/A\n2\n").features[0]);
  refuses("v\n1\n#DIV/0!\n",
          "line 3, column 1: '#DIV/0!' is not a number (column 'v'); nodata=#DIV/0! takes it "
          "for a missing value");
}

TEST(Loggers, what_stands_for_no_value_can_be_said) {
  const char* text = "v;w\n1,5;1\n7999;2\nOVER;3\n \"-6999\" ;4\n4,5;5\n";
  remarks(text,
          "line 3, column 1: 7999 is what Campbell's loggers write for a value out of range; it is "
          "taken for one, but nodata=7999 makes it a missing one");
  refuses(text,
          "line 4, column 1: 'OVER' is not a number (column 'v'); nodata=OVER takes it "
          "for a missing value");
  options.nodata = {"7999", "OVER", "-6999"};
  refuses(
      text,
      "line 3, column 1: the value is missing (column 'v'); missing=skip or hold goes on without "
      "it");
  options.missing = Missing::skip;
  check_values({1.5, 4.5}, good(text).features[0]);
  UNSIGNED_LONGS_EQUAL(3, inspected(text).columns[0].missing);
  STRCMP_CONTAINS("\"mean\":[3]", run_text(stats_window_kind(), text,
                                           {{"missing", "skip"}, {"nodata", "7999,OVER,-6999"}})
                                      .c_str());
}

TEST(Loggers, time_that_has_elapsed_is_no_time_of_day) {
  const char* text = "Elapsed time,v\n23:59:59,1\n24:00:10,2\n";
  UNSIGNED_LONGS_EQUAL(1, good(text).features.size());
  STRCMP_EQUAL("", inspected(text).time_column.c_str());
}
