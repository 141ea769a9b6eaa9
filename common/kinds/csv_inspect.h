#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/kinds/table.h"

namespace spillway::kinds {

struct InspectedColumn {
  std::string name;
  std::string unit;
  // measurement; record counter, in the first rows alone or no name, each left out (unless named);
  // label; time; empty or text
  std::string role;
  std::size_t values = 0;
  std::size_t missing = 0;
};

// What a CSV is taken for.
struct CsvInspection {
  std::string delimiter;  // comma, semicolon, tab, blank
  std::string decimal;    // point, comma; of some columns, if the remarks say so
  std::size_t skipped_lines = 0;
  std::size_t header_lines = 0;
  std::size_t rows = 0;
  std::vector<InspectedColumn> columns;
  std::string time_column;  // empty: none; "Date + Time" when it is two
  std::string time_format;
  std::string first_time;
  std::string last_time;
  // What was decided though the text leaves it open, and the first of what is odd, with its line.
  std::vector<std::string> remarks;
  std::string refused;  // what a kind would say to it with these options; empty: nothing
};

// Reads the whole text; an Error when not even its shape can be found.
Result<CsvInspection> inspect_csv(std::string_view text, const TableOptions& options);

std::string to_json(const CsvInspection& inspection);

}  // namespace spillway::kinds
