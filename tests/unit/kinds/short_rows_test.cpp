#include <string>

#include "tests/unit/kinds/kind_run.h"

// Last: it redefines new.
#include "tests/unit/kinds/csv_reading.h"

using namespace spillway;
using namespace spillway::kinds;

// Rows that have fewer fields than the header.
TEST_GROUP_BASE(ShortRows, CsvReading) {
  const std::string lascar =
      "EL-USB-2,Time,Celsius(C),Humidity(%rh),Dew Point(C),Serial Number\r\n"
      "1,13/03/2026 11:00:00,20.0,50.5,9.5,010012345\r\n"
      "2,13/03/2026 11:10:00,21.0,51.5,9.5\r\n"
      "3,13/03/2026 11:20:00,22.0,52.5,9.5\r\n"
      "4,13/03/2026 11:30:00,23.0,53.5,9.5\r\n"
      "5,13/03/2026 11:40:00,24.0,54.5,9.5\r\n";
};

TEST(ShortRows, a_serial_number_in_the_first_row_alone_is_no_measurement) {
  const kinds::Table table = good(lascar);
  UNSIGNED_LONGS_EQUAL(3, table.features.size());
  UNSIGNED_LONGS_EQUAL(5, table.rows);
  STRCMP_EQUAL("Celsius(C)", table.features[0].name.c_str());
  check_values({50.5, 51.5, 52.5, 53.5, 54.5}, table.features[1]);
  const CsvInspection seen = inspected(lascar);
  STRCMP_EQUAL("in the first rows alone, left out", seen.columns[5].role.c_str());
  STRCMP_EQUAL("", seen.refused.c_str());
  CHECK(seen.remarks.empty());
  options.columns = {"Humidity"};
  check_values({50.5, 51.5, 52.5, 53.5, 54.5}, good(lascar).features[0]);
  options.columns = {"Serial Number"};
  options.missing = Missing::hold;
  check_values(std::vector<double>(5, 10'012'345), good(lascar).features[0]);
}

TEST(ShortRows, a_first_column_that_numbers_the_rows_is_a_counter_whatever_its_name) {
  STRCMP_EQUAL("record counter, left out", inspected(lascar).columns[0].role.c_str());
  options.columns = {"EL-USB-2"};
  check_values({1, 2, 3, 4, 5}, good(lascar).features[0]);
  options.columns.clear();
  for (const char* text :
       {"x,time,v\n1,11:00,1\n2,11:01,1\n4,11:02,1\n",
        "x,time,v\n7,11:00,1\n8,11:01,1\n9,11:02,1\n", "x,time,v\n1,11:00,1\n2,11:01,1\n",
        "x,v\n1,5\n2,5\n3,5\n", "x,v,time\n1,5,11:00\n2,5,11:01\n3,5,11:02\n"}) {
    STRCMP_EQUAL_TEXT("measurement", inspected(text).columns[0].role.c_str(), text);
  }
  UNSIGNED_LONGS_EQUAL(1, good("x,time\n1,11:00\n2,11:01\n3,11:02\n").features.size());
}

TEST(ShortRows, what_lacks_at_the_end_of_a_row_is_missing_where_it_is_read) {
  const char* text = "a,b,c\n1,2,3\n4\n5,6,7\n8,9\n";
  refuses(text,
          "line 3, column 2: 1 fields where the header has 3; the row is cut or ragged (column "
          "'b'); missing=skip or hold goes on without it");
  remarks(text,
          "line 3: 1 fields where the header has 3; what lacks at the end of such rows, 2 times in "
          "all, is taken for missing values");
  options.columns = {"b"};
  refuses("a,b,c\n1,2,3\n4,5\n6\n",
          "line 4, column 2: 1 fields where the header has 3; the row is cut or ragged (column "
          "'b'); missing=skip or hold goes on without it");
  options.columns = {"a"};
  check_values({1, 4, 5, 8}, good(text).features[0]);
  options.columns.clear();
  options.missing = Missing::skip;
  check_values({1, 5}, good(text).features[0]);
  options.missing = Missing::hold;
  check_values({2, 2, 6, 9}, good(text).features[1]);
  UNSIGNED_LONGS_EQUAL(2, inspected(text).columns[2].missing);
}

TEST(ShortRows, which_value_lacks_between_blanks_cannot_be_told) {
  options.missing = Missing::skip;
  options.columns = {"a"};
  const char* ragged =
      "line 3, column 3: 2 fields where the header has 3; the row is cut or ragged";
  refuses("a b c\n1 2 3\n4 5\n", ragged);
  refuses("a b c\n1 2 3\n4 5\n6 7\n8 9\n10 11\n", ragged);
}

TEST(ShortRows, a_last_row_is_cut_off_when_it_is_shorter_than_most) {
  const std::string whole = lascar.substr(0, lascar.size() - 2);
  UNSIGNED_LONGS_EQUAL(5, good(whole).rows);
  remarks(whole, "no line break follows the last row; if the file");
  const std::string cut = whole.substr(0, whole.size() - 4);
  UNSIGNED_LONGS_EQUAL(4, good(cut).rows);
  remarks(cut, "line 6: the last row is cut off, as when a file is copied while it is written");
}
