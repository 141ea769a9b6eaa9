#include "common/kinds/csv_time.h"

#include <initializer_list>

#include "common/kinds/csv_inspect.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::kinds;

TEST_GROUP(CsvTime){
    static TimeColumn column(std::initializer_list<const char*> texts,
                             std::optional<DateOrder> order = {}){TimeColumn times(order);
for (const char* text : texts) CHECK_TEXT(times.add(text) == TimeFault::none, text);
return times;
}
static void expect(const char* format, const char* first, const TimeColumn& times) {
  STRCMP_EQUAL(format, times.format().c_str());
  STRCMP_EQUAL(first, times.first().c_str());
}
}
;

TEST(CsvTime, reads_years_first_with_any_mark_and_zone) {
  expect("year-first", "2026-03-01 00:00:04", column({"2026/03/01 00:00:04"}));
  expect("year-first", "2026-03-01 07:05:04.250+01:00", column({"2026-03-01T07:05:04.250+01:00"}));
  expect("year-first", "2026-03-01 07:05:00Z", column({"2026-03-01T07:05Z"}));
  expect("year-first", "2026-03-01 00:00:00", column({"2026-03-01", "2026-03-02"}));
}

TEST(CsvTime, reads_the_day_first_with_points_and_where_a_number_says_so) {
  expect("day-first", "2026-03-01 00:01:00", column({"01.03.2026 00:01"}));
  expect("day-first", "2026-04-03 10:00:00", column({"3/4/26 10:00", "13/4/26 10:00"}));
}

TEST(CsvTime, reads_the_month_first_with_halves_of_the_day_and_where_a_number_says_so) {
  expect("month-first, AM/PM", "2026-03-01 00:00:00",
         column({"03/01/26 12:00:00 AM", "03/01/26 01:00:00 PM"}));
  STRCMP_EQUAL("2026-03-01 13:00:00",
               column({"03/01/26 12:00:00 AM", "03/01/26 01:00:00 PM"}).last().c_str());
  expect("month-first", "2020-03-04 00:00:00", column({"03/04/2020", "03/14/2020"}));
}

TEST(CsvTime, takes_the_day_first_where_nothing_tells_and_says_so) {
  TimeColumn times = column({"03/04/2020", "03/05/2020"});
  CHECK(times.assumed());
  expect("day-first", "2020-04-03 00:00:00", times);
  CHECK(!column({"03/04/2020", "13/04/2020"}).assumed());
  CHECK(column({"03.04.2020"}).assumed());
  CHECK(column({"03/04/2020 01:00 PM"}).assumed());
  CHECK(!column({"2020-03-04"}).assumed());
  CHECK(!column({"03/04/2020"}, DateOrder::day_first).assumed());
  expect("day-first", "2020-04-03 00:00:00", column({"03/04/2020"}, DateOrder::day_first));
  expect("month-first", "2020-03-04 00:00:00", column({"03/04/2020"}, DateOrder::month_first));
}

TEST(CsvTime, holds_a_column_to_one_order_from_its_first_clear_date_on) {
  struct Case {
    std::initializer_list<const char*> good;
    const char* bad;
    std::optional<DateOrder> said;
    const char* says;
  };
  const Case cases[] = {
      {{"03/13/2026"},
       "13/03/2026",
       {},
       "has the day first, but the dates before it are month-first"},
      {{"01/02/2026", "13/03/2026"},
       "03/13/2026",
       {},
       "has the month first, but the dates before it are day-first"},
      {{"01/02/26 10:00 AM", "13/03/26 10:00 AM"},
       "03/14/26 10:00 AM",
       {},
       "has the month first, but the dates before it are day-first"},
      {{"13.03.2026"},
       "03.14.2026",
       {},
       "has the month first, but the dates before it are day-first"},
      {{}, "13/03/2026", DateOrder::month_first, "has the day first, but dates=month-first"},
      {{}, "03/13/2026", DateOrder::day_first, "has the month first, but dates=day-first"},
  };
  for (const Case& at : cases) {
    TimeColumn times = column(at.good, at.said);
    CHECK_TEXT(times.add(at.bad) == TimeFault::other_order, at.bad);
    STRCMP_EQUAL(at.says, times.describe(TimeFault::other_order).c_str());
  }
}

TEST(CsvTime, refuses_dates_and_times_that_do_not_exist) {
  for (const char* text :
       {"30.02.2026", "31.04.2026", "29.02.2026", "29.02.2100", "2026-02-29", "2026/04/31 00:00",
        "2026-13-01", "0000-00-00 00:00:00", "32.1.2026", "13/13/2026", "00/01/2026",
        "2026-03-01 25:00", "2026-03-01 24:01", "2026-03-01 00:60", "2026-03-01 00:00:61",
        "01.03.2026 25:00", "13:00 PM", "0:30 AM", "25:00:00"}) {
    TimeColumn times({});
    CHECK_TEXT(times.add(text) == TimeFault::no_such_time, text);
  }
  for (const char* text : {"29.02.2024", "2024-02-29", "29.02.2000", "2/29/24", "31.12.26 23:59:60",
                           "2026-03-01 24:00", "12:30 AM"}) {
    TimeColumn times({});
    CHECK_TEXT(times.add(text) == TimeFault::none, text);
  }
}

TEST(CsvTime, reads_seconds_and_milliseconds_since_1970) {
  expect("Unix seconds", "2026-03-01 00:00:00Z", column({"1772323200", "1772323260.5"}));
  expect("Unix milliseconds", "2026-03-01 00:00:00Z", column({"1772323200000"}));
}

TEST(CsvTime, takes_a_column_of_a_form_that_is_not_known_as_it_is) {
  for (const char* text : {"12", "x", "1.2", "2026-03-01 00:00 later", "01-Mar-2026 00:00",
                           "20260301000000", "99999999", "26/3/1"}) {
    TimeColumn times = column({text, "another", "2026-03-01"});
    STRCMP_EQUAL("", times.format().c_str());
    STRCMP_EQUAL("", times.first().c_str());
  }
}

TEST(CsvTime, refuses_another_form_than_before) {
  TimeColumn times = column({"13/4/26 10:00"});
  for (const char* text : {"2026-04-13 10:00", "1772323200", "13.4.26 10:00", "10:00", "x"}) {
    CHECK_TEXT(times.add(text) == TimeFault::other_form, text);
  }
  CHECK(column({"1772323200"}).add("1772323200000") == TimeFault::other_form);
  CHECK(column({"1772323200000"}).add("1772323200") == TimeFault::other_form);
  CHECK(column({"1772323200", "17"}).add("1772323260") ==
        TimeFault::none);  // a clock that was lost
}

TEST(CsvTime, compares_times_across_zones) {
  const auto key = [](const char* text) { return *time_key(text, DateOrder::day_first); };
  CHECK(key("2026-10-25 02:59:00+02:00") < key("2026-10-25 02:00:00+01:00"));
  CHECK(key("2026-10-25 02:59:00") > key("2026-10-25 02:00:00"));
  CHECK(key("2026-10-25 12:59 AM") < key("2026-10-25 01:00 AM"));
  LONGS_EQUAL(0, key("2026-03-01 00:00:00Z") - key("1772323200"));
  LONGS_EQUAL(0, key("2026-03-01 00:00:00Z") - key("1772323200000"));
  LONGS_EQUAL(0, key("2026-03-01 00:00:00Z") - key("28.02.26 20:30:00-0330"));
}

TEST_GROUP(CsvInspect){};

TEST(CsvInspect, says_what_was_taken_for_what) {
  Result<CsvInspection> seen =
      inspect_csv("title\nwhen;Temp, C (4);;note\n03/04/2020;1,5;;x\n03/05/2020;;;y\n", {});
  CHECK(seen.ok());
  STRCMP_EQUAL("semicolon", seen->delimiter.c_str());
  STRCMP_EQUAL("comma", seen->decimal.c_str());
  UNSIGNED_LONGS_EQUAL(1, seen->skipped_lines);
  UNSIGNED_LONGS_EQUAL(2, seen->rows);
  STRCMP_EQUAL("when", seen->time_column.c_str());
  STRCMP_EQUAL("day-first", seen->time_format.c_str());
  STRCMP_EQUAL("C", seen->columns[1].unit.c_str());
  UNSIGNED_LONGS_EQUAL(1, seen->columns[1].missing);
  STRCMP_EQUAL("empty", seen->columns[2].role.c_str());
  STRCMP_EQUAL("text", seen->columns[3].role.c_str());
  STRCMP_EQUAL("line 3, column 4: 'x' is not a number", seen->remarks[0].c_str());
  STRCMP_EQUAL(
      "column 'when': no date has a number over 12 that would tell day and month apart; the day is "
      "taken to come first; dates=month-first says otherwise",
      seen->remarks[1].c_str());
  STRCMP_CONTAINS("line 4, column 2: the value is missing", seen->refused.c_str());
}
