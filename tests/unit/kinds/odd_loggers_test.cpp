#include <string>
#include <utility>

#include "common/kinds/csv_cells.h"
#include "tests/unit/kinds/kind_run.h"

// Last: it redefines new.
#include "tests/unit/kinds/csv_reading.h"

using namespace spillway;
using namespace spillway::kinds;

// What loggers write that is easily taken for something else.
TEST_GROUP_BASE(OddLoggers, CsvReading){};

TEST(OddLoggers, a_number_is_no_time_however_its_exponent_is_written) {
  for (const char* first : {"1.5e-05", "9.1E-05", "4.2e-06", "1.5E-3", "15.1e-05", "1e-05", "0012",
                            "1.5E+03", "+1.5e-05", "-1.5e-05", ".5", "5.", "1.5D-05", "1d+02"}) {
    const std::string number(first);
    const std::string text =
        "TIMESTAMP,A,B\n2026-03-01 00:00:00,1.5," + number + "\n2026-03-01 00:01:00,1.6,0.3\n";
    UNSIGNED_LONGS_EQUAL_TEXT(2, good(text).features.size(), first);
    STRCMP_EQUAL_TEXT("measurement", inspected(text).columns[2].role.c_str(), first);
    check_values({parse_cell(number, '.').value, 0.3},
                 good("B\n" + number + "\n0.3\n").features[0]);
    options.columns = {"B"};
    UNSIGNED_LONGS_EQUAL(1, good(text).features.size());
    options.columns.clear();
  }
  check_values({1.5e-05, 2.5e-05},
               good("Zeit;B\n13.03.2026 00:00;1,5E-05\n13.03.2026 00:01;2,5E-05\n").features[0]);
  check_values({1.5e-05}, good("a;B\n1;1,5D-05\n").features[1]);
  for (const char* text : {"1.5e-05", "1.5E-3", "1,5E-05", "1.5D-05", "15.1e-05"}) {
    CHECK_TEXT(!looks_like_time(text), text);
  }
  DOUBLES_EQUAL(1.5e-05, parse_cell("1.5D-05", '.').value, 0);
  for (const char* text : {"1D5", "D-05", "1.5D", "1.5D-", "1.5D-05x", "1.5DD-05"}) {
    CHECK_TEXT(parse_cell(text, '.').fault == NumberFault::not_a_number, text);
  }
}

TEST(OddLoggers, a_column_of_numbers_is_one_whatever_its_first_rows_lack) {
  options.missing = Missing::skip;
  for (const char* none : {"", "NAN", "--", "INF"}) {
    const std::string text = "time,v\n13:30," + std::string(none) + "\n13:31,1.5e-05\n13:32,2\n";
    check_values({1.5e-05, 2}, good(text).features[0]);
  }
}

TEST(OddLoggers, a_column_of_times_and_numbers_is_refused_where_it_is_odd) {
  refuses("v,when\n1,13:30\n2,13.5\n",
          "line 2, column 2: '13:30' is not a number (column 'when'); time=when takes the "
          "column for the time");
  refuses("v,when\n1,13.5\n2,13:30\n",
          "line 3, column 2: '13:30' is not a number (column 'when'); time=when takes the "
          "column for the time");
}

TEST(OddLoggers, what_looks_like_a_number_and_is_none_is_refused_with_its_place) {
  const std::string typeset = std::string("\xe2\x88\x92") + "1.6";  // U+2212 for a minus
  for (const char* value :
       {"45%", "0x10", "1'013.25", "1.5 C", typeset.c_str(), "12.5-13", "1.5e"}) {
    const std::string text = "time,v,w\n13:30:00," + std::string(value) + ",1\n";
    Result<kinds::Table> table = read_table(as_bytes(text), options);
    CHECK_TEXT(!table.ok(), value);
    STRCMP_CONTAINS("line 2, column 2: ", table.error().message.c_str());
  }
}

TEST(OddLoggers, a_column_that_is_left_out_for_its_look_is_said) {
  for (const char* value : {"10.0.0.1", "1.2.3", "00:1A:2B:3C:4D:5E"}) {
    const std::string text = "time,id,v\n2026-03-01 00:00," + std::string(value) + ",1\n";
    remarks(text, ("line 2, column 2: '" + std::string(value) +
                   "' is in no form of time that is known; the column is left out")
                      .c_str());
  }
  remarks("Date Time,Time,v\n2026-03-01 00:00,0.5,1\n",
          "line 2, column 2: '0.5' is in no form of time that is known; the column is left out");
  CHECK(inspected("Start,End,v\n13:30,13:31,1\n").remarks.empty());
  options.columns = {"when"};
  refuses("v,when\n1,13:30\n", "column 'when' is taken for times, not for measurements");
}

TEST(OddLoggers, a_title_whose_words_begin_with_a_number_is_no_row) {
  const char* text =
      "1-Wire/iButton Part Number: DS1922L\n1-Wire/iButton Registration Number: 41000000\n"
      "Is Mission Active?  true\nMission Start:  Sun Mar 01 00:00:00 CET 2026\n"
      "Number of Mission Samples:  2\n\nDate/Time,Unit,Value\n01/03/26 00:00:01,C,12.5\n"
      "13/03/26 00:10:01,C,12.6\n";
  check_values({12.5, 12.6}, good(text).features[0]);
  STRCMP_EQUAL("2026-03-13 00:10:01", inspected(text).last_time.c_str());
}

TEST(OddLoggers, campbells_other_format_has_a_title_and_names_and_no_units) {
  const std::string head = "\"TOACI1\",\"CR1000\",\"Table10\"\n";
  const std::string three = head +
                            "\"TMSTAMP\",\"BattV\",\"AirT\"\n\"2026-03-01 00:10:00\",12.7,3.4\n" +
                            "\"TOACI1\",\"CR1000X\",\"Table10\"\n"
                            "\"TMSTAMP\",\"BattV\",\"AirT\"\n\"2026-03-01 00:20:00\",12.8,";
  check_values({12.7, 12.8}, good(three + "3.5\n").features[0]);
  const CsvInspection seen = inspected(three + "3.5\n");
  STRCMP_EQUAL("TMSTAMP", seen.time_column.c_str());
  STRCMP_EQUAL("AirT", seen.columns[2].name.c_str());
  STRCMP_EQUAL("", seen.columns[2].unit.c_str());
  const std::string five = head +
                           "\"TMSTAMP\",\"RECNBR\",\"BattV\",\"AirT\",\"RH\"\n"
                           "\"2026-03-01 00:10:00\",0,12.7,3.4,80\n";
  UNSIGNED_LONGS_EQUAL(3, good(five).features.size());
  STRCMP_EQUAL("record counter, left out", inspected(five).columns[1].role.c_str());
}

TEST(OddLoggers, names_and_units_behind_comment_marks_stand_before_rows_that_blanks_delimit) {
  const char* noaa =
      "#YY  MM DD hh mm WDIR WSPD\n#yr  mo dy hr mn degT m/s\n2026 03 01 00 50 240  5.0\n"
      "2026 03 01 00 40  MM  5.1\n";
  options.nodata = {"MM"};
  options.missing = Missing::skip;
  for (const std::optional<std::uint64_t> header : {std::optional<std::uint64_t>{}, {2}}) {
    options.shape.header = header;
    options.columns = {"WDIR"};
    check_values({240}, good(noaa).features[0]);
    STRCMP_EQUAL("degT", inspected(noaa).columns[5].unit.c_str());
  }
}

TEST(OddLoggers, names_may_be_numbers_where_the_header_is_said) {
  const char* text = "time,1,2,3\n2026-03-01 00:00:00,1.5,2,3\n";
  const char* hint =
      " is a number, where this line is to name the columns; skip= passes over lines before the "
      "names, header=1 takes numbers for names, header=0 says that there are none";
  refuses(text, ("line 1, column 2: '1'" + std::string(hint)).c_str());
  refuses("Serial;12345\nZeit;T\n13:00;20,5\n",
          ("line 1, column 2: '12345'" + std::string(hint) +
           "; the names seem to stand in line 2, to where skip=1 leads")
              .c_str());
  options.shape.header = 1;
  kinds::Table table = good(text);
  UNSIGNED_LONGS_EQUAL(3, table.features.size());
  STRCMP_EQUAL("2", table.features[1].name.c_str());
}

TEST(OddLoggers, a_last_row_that_is_cut_off_is_left_out_and_said) {
  const std::string whole = "time,x,y\n2026-03-01 00:00:00,1.5,2\n2026-03-01 00:01:00,1.6,2\n";
  for (const std::string cut :
       {"2", "2026-03-01 00:0", "2026-03-01 00:02:00,1.", "2026-03-01 00:02:00,1.7",
        "\"2026-03-01 00:02", "2026-03-01 00:02:00,1.7,2.5E-", "2026-03-01 00:02:00,\"1,7"}) {
    check_values({1.5, 1.6}, good(whole + cut).features[0]);
    check_values({2, 2}, good(whole + cut).features[1]);
    UNSIGNED_LONGS_EQUAL_TEXT(2, inspected(whole + cut).rows, cut.c_str());
    remarks(whole + cut, "line 4: the last row is cut off, as when a file is copied while it is");
  }
  check_values({1.5, 1.6}, good(whole + std::string(64, '\0')).features[0]);
  check_values({1, 2}, good("x,when\n1,2026-03-01\n2,2026-03-02\n3,2026-03-0").features[0]);
  for (const char* text :
       {"when,v\n13:30,1\n13", "v,when\n1,13:30\n2,13", "v,when\n1,13:30\n2,1"}) {
    STRCMP_EQUAL("when", inspected(text).time_column.c_str());
    check_values({1}, good(text).features[0]);
  }
  STRCMP_EQUAL("record counter, left out",
               inspected("Index,v\n9,1\n10,2\n1").columns[0].role.c_str());
  // A row that lacks nothing counts, be it the last.
  check_values({1.5, 1.6, 1.7}, good(whole + "2026-03-01 00:02:00,1.7,2").features[0]);
  remarks(whole + "2026-03-01 00:02:00,1.7,2", "no line break follows the last row; if the file");
  CHECK(inspected(whole).remarks.empty());
  const char* ragged =
      "line 4, column 3: 2 fields where the header has 3; the row is cut or ragged (column 'y'); "
      "missing=skip or hold goes on without it";
  refuses(whole + "2026-03-01 00:02:00,1.7\n", ragged);
  refuses("a,b\n1", "line 2: the only row is cut off; no line break follows it");
}

// Large enough to be read in parts.
TEST(OddLoggers, parts_do_not_show_in_a_cut_last_row) {
  std::string text = "a,b\n";
  for (int i = 0; text.size() < 600'000; ++i) text += std::to_string(i) + ",1.5\n";
  const Labels none;
  const std::string cut = text + "7";
  ThreadedContext context(as_bytes(cut), none);
  Result<kinds::Table> parts = read_table(context, options);
  CHECK(parts.ok());
  CHECK(parts->features[0].values == good(text).features[0].values);
}

TEST(OddLoggers, infinity_and_dashes_are_missing_values) {
  options.missing = Missing::skip;
  for (const char* word : {"INF", "-INF", "+Inf", "inf", "Infinity", "-infinity", "--", "---",
                           "1.#INF", "-1.#IND", "1.#QNAN"}) {
    check_values({1, 5}, good("a,b\n1,2\n3," + std::string(word) + "\n5,6\n").features[0]);
  }
  remarks("v\n1\n-INF\n", "line 3, column 1: '-INF' is infinite and taken for a missing value");
  options.missing = Missing::error;
  refuses("v\n1\nINF\n",
          "line 3, column 1: the value is missing (column 'v'); missing=skip or hold goes on "
          "without it");
}

TEST(OddLoggers, times_in_the_basic_form_are_times) {
  for (const char* zone : {"", "Z", "+01:00"}) {
    const std::string text =
        "t,x\n20260301T000000" + std::string(zone) + ",1\n20260301T001000" + zone + ",2\n";
    UNSIGNED_LONGS_EQUAL(1, good(text).features.size());
    STRCMP_EQUAL(("2026-03-01 00:10:00" + std::string(zone)).c_str(),
                 inspected(text).last_time.c_str());
  }
}

TEST(OddLoggers, halves_of_the_day_are_read_in_each_way_they_are_written) {
  for (const char* at : {"1:20p", "1:20P", "1:20 pm", "01:20 PM", "1:20 p.m.", "01:20 P.M."}) {
    const std::string text = "Date\tTime\tTemp\n13/03/26\t" + std::string(at) + "\t12.5\n";
    STRCMP_EQUAL_TEXT("2026-03-13 13:20:00", inspected(text).first_time.c_str(), at);
  }
  STRCMP_EQUAL("2026-03-13 00:10:00",
               inspected("Date,Time,v\n13/03/26,12:10a,1\n").first_time.c_str());
}

TEST(OddLoggers, a_column_of_am_and_pm_belongs_to_the_time) {
  for (const char* text :
       {"Date,Time,AM/PM,v\n3/13/2026,01:00:00,PM,1\n",
        "Date Time AMPM v\n3/13/2026 01:00:00 PM 1\n", "AMPM;When;v\nPM;3/13/2026 01:00;1\n"}) {
    const CsvInspection seen = inspected(text);
    STRCMP_EQUAL_TEXT("2026-03-13 13:00:00", seen.first_time.c_str(), text);
    STRCMP_CONTAINS("AM/PM", seen.time_format.c_str());
    CHECK(seen.time_column.find(" + AM") != std::string::npos);
    CHECK(seen.remarks.empty());
    UNSIGNED_LONGS_EQUAL(1, good(text).features.size());
  }
  for (const char* text : {"Date,Time,AMPM,v\n3/13/2026,01:00:00,PM,1\n3/13/2026,02:00:00,,2\n",
                           "Date,v\n3/13/2026 1:00p,1\n3/13/2026 02:00:00,2\n"}) {
    refuses(text,
            "line 3, column 1: '3/13/2026 02:00:00' is not a time like those before it; with "
            "columns= no time is looked at");
  }
  // A time of day of 24 hours lacks none.
  STRCMP_EQUAL("2026-03-13 13:00:00",
               inspected("Date,Time,Half,v\n2026-03-13,13:00,PM,1\n").first_time.c_str());
}
