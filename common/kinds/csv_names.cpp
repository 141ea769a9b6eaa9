#include "common/kinds/csv_names.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/kinds/csv_cells.h"
#include "common/kinds/csv_lines.h"
#include "common/kinds/csv_shape.h"

namespace spillway::kinds {
namespace {

constexpr std::size_t kMostLines = 64;
constexpr std::size_t kMostHeaderLines = 3;
constexpr std::size_t kRows = 3;  // that must follow, unless the text ends

bool holds_value(const std::vector<Field>& fields) {
  return std::any_of(fields.begin(), fields.end(), [](const Field& field) {
    return looks_like_number(field.text) || looks_like_time(field.text);
  });
}

bool are_names(const std::vector<Field>& fields) {
  std::set<std::string_view> names;
  std::size_t filled = 0;
  for (const Field& field : fields) {
    if (field.text.empty()) continue;
    ++filled;
    names.insert(field.text);
  }
  return filled >= 2 && names.size() == filled && 2 * filled > fields.size() &&
         !holds_value(fields);
}

// Whether rows of so many fields follow, be it after more lines of the header.
bool rows_follow(Lines lines, std::size_t fields) {
  std::size_t rows = 0, header = 0;
  while (rows < kRows && lines.next_line()) {
    const auto row = lines.fields();
    if (!row || (*row)->size() != fields) return false;
    if (holds_value(**row)) {
      ++rows;
    } else if (rows > 0 || header++ == kMostHeaderLines) {
      return false;
    }
  }
  return rows > 0;
}

// The first that seems to hold names, be it where they were taken from; 0 where none does.
std::size_t likely_names_line(std::string_view text, std::size_t taken) {
  Lines lines(text);
  std::string_view names;
  for (std::size_t i = 0; i < kMostLines && lines.next_line(); ++i) {
    if (lines.line_number() == taken) names = lines.line();
    Lines next = lines;
    if (!next.next_line()) return 0;
    const char delimiter = find_delimiter(lines.line(), next.line());
    Lines here = lines;
    here.set_delimiter(delimiter);
    const auto fields = here.fields();
    const bool title = campbell_title(lines.line()) != Campbell::no;
    if (fields && !title && are_names(**fields) && rows_follow(here, (*fields)->size())) {
      return lines.line() == names ? taken : lines.line_number();
    }
  }
  return 0;
}

}  // namespace

Error with_likely_names(Error wrong, std::string_view text, std::size_t taken) {
  if (wrong.code != Code::invalid_argument) return wrong;
  const std::size_t line = likely_names_line(text, taken);
  if (line == 0 || line == taken) return wrong;
  wrong.message += "; the names seem to stand in line " + std::to_string(line) +
                   ", to where skip=" + std::to_string(line - 1) + " leads";
  return wrong;
}

}  // namespace spillway::kinds
