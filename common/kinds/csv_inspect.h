#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/kinds/csv_time.h"
#include "common/kinds/table.h"

namespace spillway::kinds {

struct InspectedColumn {
  std::string name;
  std::string unit;
  std::string role;  // measurement, label, time, empty or text
  std::size_t values = 0;
  std::size_t missing = 0;
};

// What a CSV is taken for.
struct CsvInspection {
  std::string delimiter;  // comma, semicolon, tab, blank
  std::string decimal;    // point, comma
  std::size_t skipped_lines = 0;
  std::size_t header_lines = 0;
  std::size_t rows = 0;
  std::vector<InspectedColumn> columns;
  std::string time_column;  // empty: none
  std::string time_format;
  std::string first_time;
  std::string last_time;
  std::vector<std::string> remarks;  // the first of each kind, with its line
  std::string refused;  // what a kind would say to it with these options; empty: nothing
};

// Reads the whole text; an Error when not even its shape can be found.
Result<CsvInspection> inspect_csv(std::string_view text, const TableOptions& options,
                                  std::optional<DateOrder> dates);

// As one JSON object.
std::string to_json(const CsvInspection& inspection);

}  // namespace spillway::kinds
