#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/kinds/csv_inspect.h"
#include "common/kinds/table.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

namespace spillway::kinds {

// Reads texts with the options that a test sets, as kinds and `inspect` do.
struct CsvReading : Utest {
  TableOptions options;

  Table good(std::string_view text) {
    Result<Table> table = read_table(as_bytes(text), options);
    CHECK_TEXT(table.ok(), table ? "" : table.error().message.c_str());
    return std::move(*table);
  }
  void refuses(std::string_view text, const char* message) {
    Result<Table> table = read_table(as_bytes(text), options);
    CHECK_TEXT(!table.ok(), message);
    STRCMP_EQUAL(message, table.error().message.c_str());
  }
  static void check_values(const std::vector<double>& expected, const kinds::Column& column) {
    CHECK_TEXT(expected == column.values, column.name.c_str());
  }
  CsvInspection inspected(std::string_view text) {
    Result<CsvInspection> seen = inspect_csv(text, options);
    CHECK_TEXT(seen.ok(), seen ? "" : seen.error().message.c_str());
    return std::move(*seen);
  }
  // Whether a remark of what inspect says of a text holds these words.
  void remarks(std::string_view text, const char* words) {
    const CsvInspection seen = inspected(text);
    std::string all;
    for (const std::string& remark : seen.remarks) all += remark + "\n";
    STRCMP_CONTAINS(words, all.c_str());
  }
};

}  // namespace spillway::kinds
