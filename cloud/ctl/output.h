#pragma once

#include <boost/json/value.hpp>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/utf8.h"

namespace spillway::ctl {

namespace json = boost::json;

enum class Format : std::uint8_t { table, wide, json, ndjson, csv };

// How a value is written for people; json and ndjson keep it as it came.
enum class As : std::uint8_t { plain, seconds, percent, celsius, bytes, age, list };

struct Column {
  std::string title;
  std::string_view path;  // members of objects, separated by dots
  As as = As::plain;
  bool wide = false;  // not in the plain table
};

// Where commands write. Data goes to `out`, everything said to people to `err`.
struct Console {
  std::ostream& out;
  std::ostream& err;
  Format format = Format::table;
  std::int64_t now = 0;  // seconds since 1970, for ages
};

// Items of one or more pages: a header and rows, one JSON array, a line each, or CSV (RFC 4180).
// Text that came from a device cannot steer the terminal. begin, rows of any number of pages, end.
class Listing {
 public:
  Listing(const Console& console, std::vector<Column> columns)
      : console_(console), columns_(std::move(columns)) {}
  void add(const json::value& item);
  void end();

 private:
  bool shown(const Column& column) const {
    return !column.wide || console_.format != Format::table;
  }
  std::vector<std::string> cells(const json::value& item) const;
  void print_table() const;

  const Console& console_;
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
  bool first_ = true;
};

bool has(const json::value& item, std::string_view path);
// One thing: its columns below each other, or as JSON.
void show(const Console& console, const json::value& item, const std::vector<Column>& columns);

std::string text_of(const json::value& item, const Column& column, std::int64_t now);
// "12s", "4m05s", "2d4h".
std::string duration_text(double seconds);

}  // namespace spillway::ctl
