#include "cloud/ctl/output.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace spillway::ctl {
namespace {

const json::value* find(const json::value& item, std::string_view path) {
  const json::value* at = &item;
  while (at && !path.empty()) {
    std::size_t dot = path.find('.');
    const json::object* object = at->if_object();
    at = object ? object->if_contains(path.substr(0, dot)) : nullptr;
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return at;
}

std::string format(const char* how, double number) {
  char text[64];
  std::snprintf(text, sizeof text, how, number);
  return text;
}

std::string plain(const json::value& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return printable(value.get_string());
  if (value.is_bool()) return value.get_bool() ? "yes" : "no";
  if (value.is_double()) return format("%.6g", value.get_double());
  return printable(json::serialize(value));
}

std::string listed(const json::value& value) {
  std::string text;
  const auto add = [&text](const std::string& item) { text += (text.empty() ? "" : ",") + item; };
  if (const json::array* items = value.if_array()) {
    for (const json::value& item : *items) add(plain(item));
  } else if (const json::object* pairs = value.if_object()) {
    for (const auto& [key, item] : *pairs) add(std::string(key) + "=" + plain(item));
  }
  return text.empty() ? "-" : text;
}

std::string age(const json::value& value, std::int64_t now) {
  if (!value.is_string()) return "-";
  std::tm parts{};
  if (!strptime(value.get_string().c_str(), "%Y-%m-%dT%H:%M:%S", &parts)) return plain(value);
  return duration_text(double(std::max<std::int64_t>(now - timegm(&parts), 0)));
}

// "812B", "5.34GiB".
std::string bytes_text(double bytes) {
  const char* const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  for (; bytes >= 1023.5 && unit + 1 < std::size(units); ++unit) bytes /= 1024;
  return format(bytes < 100 ? "%.3g" : "%.0f", bytes) + units[unit];
}

// A spreadsheet takes what begins like this for a formula, and computes it.
std::string harmless(std::string text) {
  const bool formula =
      !text.empty() && std::string_view("=+-@\t\r").find(text[0]) != std::string_view::npos;
  return formula ? "'" + text : text;
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of("\",\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

bool has(const json::value& item, std::string_view path) { return find(item, path) != nullptr; }

std::string duration_text(double seconds) {
  if (seconds < 1) return format("%.3g", seconds * 1e3) + "ms";
  if (seconds < 60) return format("%.3g", seconds) + "s";
  auto whole = std::int64_t(seconds);
  char text[64];
  if (whole < 3600) {
    std::snprintf(text, sizeof text, "%dm%02ds", int(whole / 60), int(whole % 60));
  } else if (whole < 86400) {
    std::snprintf(text, sizeof text, "%dh%02dm", int(whole / 3600), int(whole / 60 % 60));
  } else {
    std::snprintf(text, sizeof text, "%lldd%dh", static_cast<long long>(whole / 86400),
                  int(whole / 3600 % 24));
  }
  return text;
}

std::string text_of(const json::value& item, const Column& column, std::int64_t now) {
  const json::value* value = find(item, column.path);
  if (!value) return "-";
  if (value->is_number() && column.as != As::plain) {
    auto number = value->to_number<double>();
    if (column.as == As::seconds) return duration_text(number);
    if (column.as == As::percent) return format("%.0f%%", number * 100);
    if (column.as == As::celsius)
      return format(
          "%.1f\xc2\xb0"
          "C",
          number);
    if (column.as == As::bytes) return bytes_text(number);
  }
  if (column.as == As::age) return age(*value, now);
  if (column.as == As::list) return listed(*value);
  return plain(*value);
}

std::vector<std::string> Listing::cells(const json::value& item) const {
  std::vector<std::string> row;
  for (const Column& column : columns_) {
    if (!shown(column)) continue;
    if (console_.format != Format::csv) {
      row.push_back(text_of(item, column, console_.now));
      continue;
    }
    // For programs: as it came, and lists as they are shown.
    const json::value* value = find(item, column.path);
    if (!value || value->is_null()) {
      row.emplace_back();
    } else if (value->is_string()) {
      row.push_back(harmless(std::string(value->get_string())));
    } else {
      const json::array* items = value->if_array();
      row.push_back(!items           ? json::serialize(*value)
                    : items->empty() ? std::string()
                                     : harmless(listed(*value)));
    }
  }
  return row;
}

void Listing::add(const json::value& item) {
  switch (console_.format) {
    case Format::json: console_.out << (first_ ? "[" : ",\n ") << json::serialize(item); break;
    case Format::ndjson: console_.out << json::serialize(item) << std::endl; break;
    case Format::csv: {
      std::string line;
      if (first_) {
        for (const Column& column : columns_) {
          line += (line.empty() ? "" : ",") + std::string(column.path);
        }
        console_.out << line << "\r\n";
      }
      line.clear();
      bool begin = true;
      for (const std::string& cell : cells(item)) {
        line += (begin ? "" : ",") + csv_cell(cell);
        begin = false;
      }
      console_.out << line << "\r\n";
      break;
    }
    default: rows_.push_back(cells(item));
  }
  first_ = false;
}

void Listing::end() {
  if (console_.format == Format::json) {
    console_.out << (first_ ? "[]\n" : "]\n");
  } else if (console_.format == Format::table || console_.format == Format::wide) {
    print_table();
  }
}

void Listing::print_table() const {
  if (rows_.empty()) {
    console_.err << "nothing matches\n";
    return;
  }
  std::vector<std::string> header;
  for (const Column& column : columns_) {
    if (shown(column)) header.push_back(column.title);
  }
  std::vector<std::size_t> widths(header.size());
  const auto widen = [&](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  };
  widen(header);
  for (const auto& row : rows_) widen(row);
  const auto print = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - row[i].size() + 2, ' ');
    }
    console_.out << line << "\n";
  };
  print(header);
  for (const auto& row : rows_) print(row);
}

void show(const Console& console, const json::value& item, const std::vector<Column>& columns) {
  if (console.format == Format::json || console.format == Format::ndjson) {
    console.out << json::serialize(item) << std::endl;
    return;
  }
  if (console.format == Format::csv) {
    Listing one(console, columns);
    one.add(item);
    return one.end();
  }
  std::size_t width = 0;
  for (const Column& column : columns) width = std::max(width, column.title.size());
  for (const Column& column : columns) {
    if (column.wide && console.format != Format::wide) continue;
    std::string title = column.title;
    title.append(width - title.size() + 2, ' ');
    console.out << title << text_of(item, column, console.now) << "\n";
  }
}

}  // namespace spillway::ctl
