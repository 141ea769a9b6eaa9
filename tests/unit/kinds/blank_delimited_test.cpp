#include <string>
#include <vector>

#include "common/kinds/csv_inspect.h"
#include "common/kinds/table.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::kinds;

// Files whose fields stand in columns of a terminal.
TEST_GROUP(BlankDelimited){static kinds::Table good(std::string_view text){
    Result<kinds::Table> table = read_table(as_bytes(text), {});
CHECK_TEXT(table.ok(), table ? "" : table.error().message.c_str());
return std::move(*table);
}
static CsvInspection inspected(std::string_view text) {
  Result<CsvInspection> seen = inspect_csv(text, {});
  CHECK_TEXT(seen.ok(), seen ? "" : seen.error().message.c_str());
  return std::move(*seen);
}
static void check_values(const std::vector<double>& expected, const kinds::Column& column) {
  CHECK_TEXT(expected == column.values, column.name.c_str());
}
}
;

TEST(BlankDelimited, numbers_may_have_a_decimal_comma) {
  check_values({1.5, 1.25}, good("Zeit T\n00:00:00 1,5\n00:00:01 1,25\n").features[0]);
  kinds::Table table = good("T1 T2\n1,5 2,5\n-3,5  4\n");
  UNSIGNED_LONGS_EQUAL(2, table.features.size());
  check_values({1.5, -3.5}, table.features[0]);
  check_values({2.5, 4}, table.features[1]);
  check_values({1.5}, good("Keller Messung\nZeit T\n00:00:00 1,5\n").features[0]);
  STRCMP_EQUAL("blank", inspected("T1 T2\n1,5 2,5\n").delimiter.c_str());
  // Commas elsewhere delimit.
  check_values({2, 4}, good("Site data\nair temp,soil temp\n1,2\n3,4\n").features[1]);
  check_values({2}, good("air temp,b\n1,2\n").features[1]);
}

TEST(BlankDelimited, date_and_time_of_day_may_have_one_name_between_them) {
  const char* text =
      "timestamp temp hum\n2024-03-01 12:00:00 21.5 40\n2024-03-01 12:00:10  22.5 41\n";
  kinds::Table table = good(text);
  UNSIGNED_LONGS_EQUAL(2, table.features.size());
  check_values({21.5, 22.5}, table.features[0]);
  check_values({40, 41}, table.features[1]);
  const CsvInspection seen = inspected(text);
  STRCMP_EQUAL("timestamp", seen.time_column.c_str());
  STRCMP_EQUAL("2024-03-01 12:00:10", seen.last_time.c_str());
  check_values({1.5}, good("T Zeit\n1,5 01.03.2024 12:00\n").features[0]);
  check_values({1.5}, good("Zeit T\nUTC C\n01.03.2024 12:00 1,5\n").features[0]);
  // Date and time with a name for each are two columns, and one time.
  check_values({21.5}, good("date time temp\n2024-03-01 12:00:00 21.5\n").features[0]);
  const auto cut =
      read_table(as_bytes("timestamp temp\n2024-03-01 12:00:00 21.5\n2024-03-01 12:00:10\n"), {});
  CHECK(!cut.ok());
  STRCMP_EQUAL("line 3, column 2: 1 fields where the header has 2; the row is cut or ragged",
               cut.error().message.c_str());
}
