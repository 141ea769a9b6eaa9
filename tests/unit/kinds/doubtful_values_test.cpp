#include <algorithm>
#include <string>

#include "tests/unit/kinds/kind_run.h"

// Last: it redefines new.
#include "tests/unit/kinds/csv_reading.h"

using namespace spillway;
using namespace spillway::kinds;

// What can be read in two ways, or be no value at all: it is read, and said.
TEST_GROUP_BASE(DoubtfulValues, CsvReading){
    static std::string hours(const char* name, std::initializer_list<const char*> values){
        std::string text = "time," + std::string(name) + "\n";
int hour = 10;
for (const char* value : values) {
  text += "2026-03-01 " + std::to_string(hour++) + ":00," + value + "\n";
}
return text;
}
void says_nothing(std::string_view text) {
  const CsvInspection seen = inspected(text);
  CHECK_TEXT(seen.remarks.empty(), seen.remarks.empty() ? "" : seen.remarks[0].c_str());
}
}
;

TEST(DoubtfulValues, a_point_that_may_be_of_thousands_is_said_where_a_comma_would_be_decimal) {
  const char* note =
      "column 'P': each number with a point, such as 1.201, has three digits behind it, in a file "
      "that looks like one with decimal commas; it is taken for a decimal point, not for thousands";
  const char* mixed = "Zeit;P\n01.03.2026 11:00;990\n01.03.2026 11:01;1.201\n";
  remarks(mixed, note);
  check_values({990, 1.201}, good(mixed).features[0]);
  remarks("time;P\n2026-03-01;1.201\n2026-03-02;-1.202\n", note);
  remarks("Zeit,P\n01.03.2026 11:00,1.201\n", note);
  UNSIGNED_LONGS_EQUAL(1, inspected("Zeit;P\n13.03.2026;999\n14.03.2026;1.201\n").remarks.size());
  options.shape.decimal = '.';
  says_nothing("Zeit;P\n13.03.2026 11:00;1.201\n");
  options.shape.decimal = ',';
  refuses(
      mixed,
      "line 3, column 2: '1.201' is not a number (column 'P'); marks between thousands, as 1.201 "
      "would have one, are not read; columns= names others to read");
}

TEST(DoubtfulValues, a_point_is_a_decimal_one_where_any_number_shows_it) {
  for (const char* text :
       {"time,P\n2026-03-01,1.201\n", "Zeit;P\n13.03.2026;1.201\n14.03.2026;1.2\n",
        "Zeit;P\n13.03.2026;0.201\n", "Zeit;P;T\n13.03.2026;1.201;20.5\n",
        "Zeit;P\n13.03.2026;990\n", "Zeit;P\n13.03.2026;1.2e3\n",
        "Zeit;P\n13.03.2026;1234.567\n"}) {
    says_nothing(text);
  }
}

TEST(DoubtfulValues, a_mark_for_no_value_is_said_where_it_stands_apart) {
  for (const char* mark : {"-9999", "9999", "-999", "999", "99.00", "999.0", "-99.9", "-9999.99",
                           "9.9E+37", "9.90000000E+37", "-9.9E+37", "-99999"}) {
    const std::string text = hours("T", {"20.5", mark, "21.5", mark, "19"});
    remarks(text, ("line 3, column 'T': " + std::string(mark) +
                   " lies far from all else and is what loggers write for no value; it is taken "
                   "for one, 2 times in all, but nodata=" +
                   mark + " makes it a missing one")
                      .c_str());
    UNSIGNED_LONGS_EQUAL_TEXT(5, good(text).rows, "never dropped in silence");
    options.nodata = {mark};
    says_nothing(text);
    options.nodata.clear();
  }
  remarks(hours("T", {"-9999", "-9999"}), "nodata=-9999");
  const std::string both = hours("T", {"20", "999", "-9999"});
  remarks(both, "nodata=999 ");
  remarks(both, "nodata=-9999 ");
}

TEST(DoubtfulValues, a_mark_for_no_value_is_one_however_it_is_written) {
  const std::string text = hours("T", {"-9999", "-9999.00", "20", "21", "-9.999E+03"});
  remarks(text, "line 2, column 'T': -9999 lies far from all else");
  remarks(text, "3 times in all, but nodata=-9999 makes it a missing one");
  remarks(hours("T", {"20", "-9.999E+03", "21"}), "nodata=-9.999E+03 makes it a missing one");
  options.missing = Missing::skip;
  for (const char* nodata : {"-9999", "-9999.0", "-9.999e3"}) {
    options.nodata = {nodata};
    check_values({20, 21}, good(text).features[0]);
    says_nothing(text);
    UNSIGNED_LONGS_EQUAL(3, inspected(text).columns[1].missing);
  }
}

TEST(DoubtfulValues, a_mark_with_a_decimal_comma_is_said_as_nodata_takes_it) {
  const char* text = "time;T\n2026-03-01;20,5\n2026-03-02;-99,9\n2026-03-03;21,5\n";
  remarks(text, "-99,9 lies far from all else");
  remarks(text, "nodata=-99.9 makes it a missing one");
  options.missing = Missing::skip;
  options.nodata = {"-99.9"};
  check_values({20.5, 21.5}, good(text).features[0]);
  says_nothing(text);
}

TEST(DoubtfulValues, texts_that_may_tell_several_series_apart_are_said) {
  const auto rows = [](std::initializer_list<const char*> names) {
    std::string text = "name,time,value\n";
    int second = 10;
    for (const char* name : names) {
      text += std::string(name) + ",2026-03-01 11:00:" + std::to_string(second++) + ",1\n";
    }
    return text;
  };
  const auto says_series = [this](const std::string& text) {
    const CsvInspection seen = inspected(text);
    return std::any_of(seen.remarks.begin(), seen.remarks.end(), [](const std::string& remark) {
      return remark.find("series") != std::string::npos;
    });
  };
  const std::string wincc =
      rows({"temp", "press", "temp", "press", "temp", "press", "$RT_OFF$", "$RT_COUNT$"});
  const char* note =
      "column 'name': its rows hold but 4 different texts, temp, press, $RT_OFF$, $RT_COUNT$; if "
      "these tell several series apart, the values of all are read as of one, mixed";
  remarks(wincc, note);
  options.columns = {"value"};
  remarks(wincc, note);
  options.columns.clear();
  remarks(rows({"a", "b", "c", "d", "e", "a", "b", "c", "d", "e", "a", "b", "c", "d", "e"}),
          "column 'name': its rows hold but 5 different texts, such as a, b, c, d; if");
  for (const std::string& text :
       {rows({"ok", "ok", "ok", "ok", "ok", "ok"}), rows({"ok", "ok", "ok", "ok", "ok", "off"}),
        rows({"a", "b", "c", "d", "e", "f", "g"}),
        rows({"a", "b", "a", "b", "a", "b", "c", "d", "e", "f", "g", "h", "i"}),
        rows({"up", "down", "up", "down", "up", "down", "", "", ""}),
        rows({"TRUE", "False", "TRUE", "False", "TRUE", "False"}),
        std::string("name,state\na,x\nb,x\na,x\nb,x\na,x\nb,x\n")}) {
    CHECK_TEXT(!says_series(text), text.c_str());
  }
  std::string many = "name,value\n";
  for (int i = 0; i < 4'000; ++i) many += "t" + std::to_string(i % 1'000) + ",1\n";
  CHECK_TEXT(!says_series(many), "more than a few");
}

TEST(DoubtfulValues, nines_that_may_be_values_are_left_alone) {
  for (const auto& values : {std::initializer_list<const char*>{"98", "99", "97"},
                             {"99", "99"},
                             {"0", "99", "50"},
                             {"999", "1001", "1000"},
                             {"900", "999", "300"},
                             {"-99", "-50", "-70"},
                             {"1", "9.99", "2"},
                             {"9", "1", "1"},
                             {"1", "989", "2"}}) {
    says_nothing(hours("T", values));
  }
}

TEST(DoubtfulValues, gaps_in_time_are_said_with_the_first_and_their_count) {
  const std::string head = "time,T\n2026-03-01 11:00,1\n2026-03-01 11:10,2\n2026-03-01 11:20,3\n";
  const std::string gap = head + "2026-03-01 11:50,4\n2026-03-01 12:00,5\n";
  remarks(
      gap,
      "line 5: 1800 s lie between this row and the one before, where 600 s are usual; there are "
      "such gaps 1 time in all, and kinds read on as if there were none");
  remarks(
      gap + "2026-03-01 12:10,5\n2026-03-03 12:10,5\n",
      "line 5: 1800 s lie between this row and the one before, where 600 s are usual; there are "
      "such gaps 2 times in all");
  says_nothing(head + "2026-03-01 11:34,4\n2026-03-01 11:44,5\n");
  // Too few to tell what is usual.
  says_nothing(head + "2026-03-01 17:00,4\n");
}

TEST(DoubtfulValues, gaps_are_found_below_a_second_and_in_rows_that_share_one) {
  std::string tenths = "time,x\n", seconds = "time,x\n";
  for (int i = 0; i < 60; ++i) {
    const std::string second = std::to_string(10 + i / 10);
    if (i < 23 || i > 24) tenths += "11:00:" + second + "." + std::to_string(i % 10) + ",1\n";
    if (i / 10 != 3) seconds += "11:00:" + second + ",1\n";
  }
  remarks(tenths, "line 25: 0.3 s lie between this row and the one before, where 0.1 s are usual");
  remarks(seconds, "line 32: 2 s lie between this row and the one before, where 1 s are usual");
}

// Rows of events, each at a time of its own.
TEST(DoubtfulValues, steps_that_are_all_different_are_counted_within_bounds) {
  std::string text = "ts,x\n";
  for (std::uint64_t i = 0; i < 5000; ++i) {
    text += std::to_string(1'772'323'200'000 + i * i * 10) + ",1\n";
  }
  remarks(text, "such gaps 2");
}

TEST(DoubtfulValues, rows_without_a_time_are_said_where_others_have_one) {
  const std::string head = "Date Time,in,out\n";
  const std::string rows = "2026/03/01 11:00,20.5,0.25\n2026/03/01 11:01,21.5,1.25\n";
  const std::string channels = head + ",1,2\n" + rows;
  remarks(channels,
          "line 2: the row has no time, 1 time in all, though others have one; such are read like "
          "the others; missing=skip leaves them out; header=2 takes what stands before the first "
          "row with a time for the header's");
  check_values({1, 20.5, 21.5}, good(channels).features[0]);
  const std::string sum = head + rows + ",21,0.75\n,42,1.5\n";
  remarks(sum,
          "line 4: the row has no time, 2 times in all, though others have one; such are read like "
          "the others; missing=skip leaves them out");
  options.shape.header = 2;
  check_values({20.5, 21.5}, good(channels).features[0]);
  says_nothing(channels);
  options.shape.header.reset();
  options.missing = Missing::skip;
  for (const std::string& text : {channels, sum}) {
    check_values({20.5, 21.5}, good(text).features[0]);
    remarks(text, "though others have one; such are left out");
  }
  options.columns = {"in"};
  check_values({1, 20.5, 21.5}, good(channels).features[0]);
  remarks(channels, "such are read like the others; missing=skip with time= leaves them out");
  options.shape.time = "Date Time";
  check_values({20.5, 21.5}, good(channels).features[0]);
  options.columns.clear();
  options.shape.time.clear();
  // Where no row has one nothing tells these apart.
  check_values({1, 2}, good("time,x\n,1\n,2\n").features[0]);
  says_nothing("time,x\n,1\n,2\n");
}

// Large enough to be read in parts, of which one has no times.
TEST(DoubtfulValues, parts_do_not_show_in_rows_without_a_time) {
  std::string text = "time,x\n";
  for (int i = 0; text.size() < 600'000; ++i) {
    text += (i > 5'000 && i < 40'000 ? "" : "11:00:" + std::to_string(10 + i % 50)) + "," +
            std::to_string(i) + "\n";
  }
  options.missing = Missing::skip;
  const Labels none;
  ThreadedContext context(as_bytes(text), none);
  Result<kinds::Table> parts = read_table(context, options);
  CHECK(parts.ok());
  CHECK(parts->rows < 40'000 && parts->rows > 5'000);
  CHECK(parts->features[0].values == good(text).features[0].values);
}

TEST(DoubtfulValues, the_order_of_dates_that_a_name_says_holds_where_no_date_tells) {
  for (const auto& [name, first] : {std::pair("Date (MM/DD/YYYY)", "2026-03-04 00:00:00"),
                                    std::pair("date [dd/mm/yy]", "2026-04-03 00:00:00"),
                                    std::pair("Date mm-dd-yyyy", "2026-03-04 00:00:00")}) {
    const std::string text = std::string(name) + ",v\n03/04/2026,1\n";
    STRCMP_EQUAL_TEXT(first, inspected(text).first_time.c_str(), name);
    says_nothing(text);
  }
  // A date that tells, and what is said, count more.
  STRCMP_EQUAL("day-first",
               inspected("Date (MM/DD/YYYY),v\n03/04/2026,1\n13/04/2026,1\n").time_format.c_str());
  options.shape.dates = DateOrder::day_first;
  STRCMP_EQUAL("day-first", inspected("Date (MM/DD/YYYY),v\n03/04/2026,1\n").time_format.c_str());
  options.shape.dates.reset();
  remarks("Date (YY/MM/DD),v\n03/04/05,1\n", "the day is taken to come first");
}

TEST(DoubtfulValues, a_year_of_two_digits_that_may_come_first_is_said) {
  const char* note =
      "column 'time': dates such as 26/03/01 11:00 are taken for 2001-03-26 11:00:00, with the "
      "year "
      "last; were it to come first, it would need four digits";
  remarks("time,v\n26/03/01 11:00,1\n26/03/02 11:00,2\n", note);
  remarks("time,v\n26/03/01 11:00,1\n", note);
  for (const char* text :
       {"time,v\n13/03/26,1\n14/03/26,2\n", "time,v\n31/12/25,1\n01/01/26,2\n",
        "time,v\n3/13/26,1\n3/14/26,2\n", "time,v\n26/03/2001,1\n", "time,v\n13/03/26,1\n"}) {
    says_nothing(text);
  }
}

TEST(DoubtfulValues, times_in_no_known_form_are_said) {
  for (const char* time : {"03/01/2026 11:00:00:123", "01-Mar-2026 11:00:00", "46082.4583333",
                           "01/03/2026 11:00:00 vorm."}) {
    remarks(
        "time,v\n" + std::string(time) + ",1\n",
        ("line 2, column 1: '" + std::string(time) +
         "' is in no form of time that is known; neither the order of the rows nor gaps are told")
            .c_str());
  }
}
