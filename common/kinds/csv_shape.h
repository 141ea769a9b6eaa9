#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/kinds/csv_lines.h"
#include "spillway/status.h"

namespace spillway::kinds {

// What a CSV is said to be like; what is left out is found from the text.
struct ShapeOptions {
  std::optional<char> delimiter;        // ',', ';', '\t' or ' '
  std::optional<char> decimal;          // '.' or ','
  std::optional<std::uint64_t> skip;    // lines before the names
  std::optional<std::uint64_t> header;  // lines from the names to the first row; 0: there are none
  std::string time;                     // the column that holds the time
};

enum class Role : std::uint8_t { measurement, label, time, unused };

struct ShapeColumn {
  std::string name;   // as written
  std::string brief;  // the name without a unit behind it
  std::string unit;   // empty when there is none
  Role role = Role::measurement;
};

struct Shape {
  char delimiter = ',';
  char decimal = '.';
  std::size_t skipped = 0;
  std::size_t header_lines = 1;
  std::vector<ShapeColumn> columns;
  std::size_t least_fields = 0;  // of a row: nameless columns at the end may be left out
  Lines rows;                    // before the first row
};

// Finds out how a CSV is to be read, from its first lines, by these rules, each of which an option
// overrides:
//  - Lines before the names are skipped when they hold no delimiter and no number, as a title does,
//    and the next holds names; of Campbell's TOA5 the first line.
//  - The delimiter is ',' unless the names have more of ';', or as many as the line after them, or
//    have tabs, or words with blanks between, in the same number as the line after.
//  - Lines after the names belong to the header, at most three, while none of their fields is a
//    number, a time or a missing value; the first of them gives units. Without one a unit is what
//    stands behind a comma or in brackets in the name.
//  - A column holds the time when its name is one of time, timestamp, datetime, date, or its first
//    value looks like a date or a time of day; a column named anomaly or changepoint is a label;
//    any other a measurement.
//  - The decimal mark is ',' when the delimiter is not and, in the first rows, numbers with a comma
//    stand and none with a point.
Result<Shape> find_shape(std::string_view text, const ShapeOptions& options);

}  // namespace spillway::kinds
