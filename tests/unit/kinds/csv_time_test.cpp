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
for (const char* text : texts) CHECK_TEXT(times.add(text), text);
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

TEST(CsvTime, says_that_it_cannot_tell_rather_than_guess) {
  TimeColumn times = column({"03/04/2020", "03/05/2020"});
  CHECK(times.ambiguous());
  expect("day-first or month-first", "03/04/2020", times);
  expect("day-first", "2020-04-03 00:00:00", column({"03/04/2020"}, DateOrder::day_first));
  expect("month-first", "2020-03-04 00:00:00", column({"03/04/2020"}, DateOrder::month_first));
}

TEST(CsvTime, reads_seconds_and_milliseconds_since_1970) {
  expect("Unix seconds", "2026-03-01 00:00:00Z", column({"1772323200", "1772323260.5"}));
  expect("Unix milliseconds", "2026-03-01 00:00:00Z", column({"1772323200000"}));
}

TEST(CsvTime, refuses_what_is_no_time_or_another_than_before) {
  TimeColumn empty({});
  for (const char* text : {"", "12", "x", "2026-13-01", "2026-03-01 25:00", "2026-03-01 00:60",
                           "32.1.2026", "13:00 PM", "1.2", "2026-03-01 00:00 later"}) {
    CHECK_TEXT(!TimeColumn(empty).add(text), text);
  }
  TimeColumn times = column({"13/4/26 10:00"});
  CHECK(!times.add("4/13/26 10:00"));
  CHECK(!times.add("2026-04-13 10:00"));
  CHECK(!times.add("1772323200"));
}

TEST_GROUP(CsvInspect){};

TEST(CsvInspect, says_what_was_taken_for_what) {
  Result<CsvInspection> seen = inspect_csv(
      "title\nwhen;Temp, C (4);;note\n03/04/2020;1,5;;x\n03/05/2020;;;y\n", {}, std::nullopt);
  CHECK(seen.ok());
  STRCMP_EQUAL("semicolon", seen->delimiter.c_str());
  STRCMP_EQUAL("comma", seen->decimal.c_str());
  UNSIGNED_LONGS_EQUAL(1, seen->skipped_lines);
  UNSIGNED_LONGS_EQUAL(2, seen->rows);
  STRCMP_EQUAL("when", seen->time_column.c_str());
  STRCMP_EQUAL("day-first or month-first", seen->time_format.c_str());
  STRCMP_EQUAL("C", seen->columns[1].unit.c_str());
  UNSIGNED_LONGS_EQUAL(1, seen->columns[1].missing);
  STRCMP_EQUAL("empty", seen->columns[2].role.c_str());
  STRCMP_EQUAL("text", seen->columns[3].role.c_str());
  STRCMP_EQUAL("line 3, column 4: 'x' is not a number", seen->remarks[0].c_str());
  STRCMP_CONTAINS("day and month cannot be told apart", seen->remarks[1].c_str());
  STRCMP_CONTAINS("line 4, column 2: the value is missing", seen->refused.c_str());
}
