#include "common/kinds/csv_rows.h"

#include <algorithm>

#include "common/kinds/csv_cells.h"
#include "common/kinds/format.h"

namespace spillway::kinds {
namespace {

// Whether commas may be the marks of numbers that they split: 20,5 is 20 and 5.
bool may_split_numbers(const std::vector<Field>& row) {
  const auto is_empty = [](const Field& field) { return field.text.empty(); };
  const auto are_parts = [](const Field& whole, const Field& part) {
    std::string_view number = whole.text;
    if (number.starts_with('-')) number.remove_prefix(1);
    return whole_number(number) && whole_number(part.text);
  };
  return std::none_of(row.begin(), row.end(), is_empty) &&
         std::adjacent_find(row.begin(), row.end(), are_parts) != row.end();
}

}  // namespace

bool Rows::next() {
  if (!lines_.next_line()) return false;
  if (lines_.ended() || !is_cut()) return true;
  cut_line_ = lines_.line_number();
  return false;
}

bool Rows::is_cut() {
  if (lines_.line().find('\0') != std::string_view::npos) return true;
  const std::string_view line = lines_.line();
  if (std::count(line.begin(), line.end(), '"') % 2 != 0) return true;
  auto fields = lines_.fields();
  if (!fields) return false;
  return is_short(**fields) || (any_ && ends_in_half_a_value(**fields));
}

bool Rows::ends_in_half_a_value(const std::vector<Field>& row) {
  if (row.size() != columns_) return false;
  const std::string_view last = row.back().text;
  if (last_ == Role::time) {
    const bool counts = columns_ == time_ + 1 || columns_ == clock_ + 1;
    return counts && !last.empty() && TimeColumn(times_).add(time_of(row)) != TimeFault::none;
  }
  return last_ == Role::measurement && starts_like_number(last) && !looks_like_number(last);
}

Result<const std::vector<Field>*> Rows::fields() {
  auto fields = lines_.fields();
  if (!fields) return fields;
  const std::vector<Field>& row = **fields;
  const auto extra = row.begin() + static_cast<std::ptrdiff_t>(std::min(columns_, row.size()));
  const auto odd =
      std::find_if(extra, row.end(), [](const Field& field) { return !field.text.empty(); });
  if (odd != row.end() || (delimiter_ == ' ' && is_short(row))) return ragged(row);
  any_ = any_ || !is_short(row);
  return fields;
}

Error Rows::ragged(const std::vector<Field>& row) const {
  const auto extra = row.begin() + static_cast<std::ptrdiff_t>(std::min(columns_, row.size()));
  const auto odd =
      std::find_if(extra, row.end(), [](const Field& field) { return !field.text.empty(); });
  const auto column = static_cast<std::size_t>(odd - row.begin()) + 1;
  const char* hint = delimiter_ == ',' && may_split_numbers(row)
                         ? ", or its commas are decimal ones, and fields need another delimiter"
                     : any_ ? ""
                            : ", or the names stand further down, to where skip= leads";
  return lines_.wrong(column, std::to_string(row.size()) + " fields where the header has " +
                                  std::to_string(columns_) + "; the row is cut or ragged" + hint);
}

std::string_view Rows::time_of(const std::vector<Field>& row) {
  const std::string_view time = text_of(row, time_);
  const std::string_view clock = text_of(row, clock_);
  if (is_missing(time)) return {};
  const std::string_view half = text_of(row, half_);
  if (is_missing(clock) && is_missing(half)) return time;
  both_.assign(time);
  for (const std::string_view part : {clock, half}) {
    if (!is_missing(part)) both_.append(" ").append(part);
  }
  return both_;
}

Status Rows::check_time(const std::vector<Field>& row) {
  if (time_ == Shape::kNone) return {};
  const std::string_view time = time_of(row);
  if (time.empty()) return {};
  const TimeFault fault = times_.add(time);
  if (fault == TimeFault::none) return {};
  return lines_.wrong(time_ + 1, "'" + printable(time) + "' " + times_.describe(fault));
}

}  // namespace spillway::kinds
