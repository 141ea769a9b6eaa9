#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/kinds/csv_columns.h"
#include "common/kinds/csv_lines.h"
#include "common/kinds/csv_time.h"
#include "spillway/status.h"

namespace spillway::kinds {

// What a CSV is said to be like; what is left out is found from the text.
struct ShapeOptions {
  std::optional<char> delimiter;        // ',', ';', '\t' or ' '
  std::optional<char> decimal;          // '.' or ','
  std::optional<std::uint64_t> skip;    // lines before the names
  std::optional<std::uint64_t> header;  // lines from the names to the first row; 0: there are none
  std::string time;                     // the column that holds the time
  std::optional<DateOrder> dates;       // for dates that do not begin with the year
};

struct Shape {
  char delimiter = ',';
  bool delimiter_said = false;  // by a first line such as sep=;
  char decimal = '.';           // of the columns that do not differ
  std::size_t skipped = 0;
  bool names_guessed = false;  // because the names fit better than what stands before them
  std::size_t header_lines = 1;
  std::vector<ShapeColumn> columns;
  std::size_t least_fields = 0;          // of a row: nameless columns at the end may be left out
  std::size_t usual_fields = 0;          // of most rows, but no more than those
  std::size_t time = kNone;              // the column that holds the time
  std::size_t clock = kNone;             // that of the time of day, where `time` has but the date
  std::size_t half = kNone;              // that of AM and PM, where the time of day lacks them
  std::optional<DateOrder> dates_named;  // by the name of that column
  Lines rows{{}};                        // before the first row

  static constexpr std::size_t kNone = SIZE_MAX;
};

// Finds out how a CSV is to be read, from its first lines, by these rules, each of which an option
// overrides:
//  - A first line sep=; as spreadsheets write it names the delimiter and is skipped.
//  - Lines before the names are skipped when they hold no delimiter and no number, as a title does,
//    and the next holds names; of Campbell's TOA5 and TOACI1 the first line. Of several lines
//    before the first row that may be the names, those are the first that names a time, such as
//    date or Zeit; else the first that is no comment behind # and has more than one field and no
//    more empty ones than others.
//  - The delimiter is ',' unless the names have more of ';', or as many as the line after them, or
//    have tabs, or words with blanks between, in the same number as the line after; tabs beside
//    commas are none. Between words, where commas stand in numbers alone, they are decimal commas,
//    and a date and a time of day that follow one another in the first row are one field where the
//    names are one fewer.
//  - A name that is a number is refused, unless the header's lines are said.
//  - Lines after the names belong to the header, at most three, while none of their fields is a
//    number, a time or a missing value; the first of them gives units. Without one a unit is what
//    stands behind a comma or in brackets in the name, but for serial numbers and the like.
//  - A column holds a time when its name is one of time, timestamp, datetime, date, or its first
//    value looks like a date or a time of day and none of the others is a number, or its name is
//    one of t, ts, epoch, unix and the like and its values are Unix seconds or milliseconds of 2000
//    to 2100. The first is the time of the rows, but rather one with such a name or a time that
//    exists. If it holds dates alone, or times of day alone, and its neighbour is the only one with
//    the other, both together are; and with them the only column of AM and PM, where the times of
//    day are of 1 to 12 hours without.
//  - A column is a record counter when its name is one of record, #, No. and the like, or the
//  header
//    gives it the unit RN, and it holds whole numbers; or when its name may be one, such as index,
//    scan, number, RN, or it comes first without a name, and they rise from row to row. One that
//    has another unit is none.
//    So is the first column, whatever its name, when the second is the time, others are measured,
//    and it counts the rows up by one.
//  - A column at the end that the first rows alone have, one to three of them, and none of those
//  that
//    follow, be it empty, stands for the whole file, as a serial number does, and is not measured.
//  - A column named anomaly or changepoint is a label; any other a measurement, but one that has no
//    name where there are names.
//  - The decimal mark is ',' when the delimiter is not and, in the first rows, numbers with a comma
//    stand and none with a point. With ',' for the delimiter numbers with a comma stand in quotes:
//    their column's mark is ',' where it has no number with a point, unless each has three digits
//    behind the comma and one to three before, which may as well be thousands: such a column is
//    read only when the mark is said.
//  - Columns of one name are told apart by their places: "temp (column 3)".
Result<Shape> find_shape(std::string_view text, const ShapeOptions& options);

// What seems to delimit the fields of a line of names, by it and the line after.
char find_delimiter(std::string_view names, std::string_view next);

}  // namespace spillway::kinds
