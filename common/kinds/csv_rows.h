#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/kinds/csv_lines.h"
#include "common/kinds/csv_shape.h"
#include "common/kinds/csv_time.h"
#include "spillway/status.h"

namespace spillway::kinds {

// Reads the rows of a CSV whose shape is known, for all who do. Copies go on by themselves, over
// `go_on_with` some part of the rest. One thread.
class Rows {
 public:
  Rows(const Shape& shape, std::optional<DateOrder> dates)
      : columns_(shape.columns.size()),
        usual_(shape.delimiter == ' ' ? shape.least_fields : shape.usual_fields),
        delimiter_(shape.delimiter),
        last_(shape.columns.empty() ? Role::unused : shape.columns.back().role),
        time_(shape.time),
        clock_(shape.clock),
        half_(shape.half),
        lines_(shape.rows),
        times_(dates, shape.dates_named) {}

  // False at the end, and where the last row is cut off: when no line break follows it, and it has
  // too few fields, ends within quotes, in NUL bytes or in half a value, as of a file that was
  // copied while it was written, or whose writer lost power.
  bool next();
  // The line of a last row that was left out for that; 0 when there is none.
  std::size_t cut_line() const { return cut_line_; }
  const Lines& lines() const { return lines_; }
  void go_on_with(std::string_view text) { lines_.go_on_with(text); }

  // The fields of the row; an error where they are more than columns, but for empty ones. Those
  // that lack at its end are missing values, unless blanks delimit: then any of them may lack.
  Result<const std::vector<Field>*> fields();
  // Whether more of them lack than of most rows.
  bool is_short(const std::vector<Field>& row) const {
    return row.size() < std::min(columns_, usual_);
  }
  // What is wrong with a row of another size.
  Error ragged(const std::vector<Field>& row) const;
  // The text of a column, empty where it is left out.
  static std::string_view text_of(const std::vector<Field>& row, std::size_t column) {
    return column < row.size() ? trim(row[column].text) : std::string_view();
  }

  // When the row was written, of one to three columns, valid until the next call; empty when that
  // is missing.
  std::string_view time_of(const std::vector<Field>& row);
  // An error where that is no time, or not like those before it.
  Status check_time(const std::vector<Field>& row);
  const TimeColumn& times() const { return times_; }
  // Takes in the times of rows that were read by a copy; false where they are not like these.
  bool join(const Rows& after) { return times_.join(after.times_); }

 private:
  bool is_cut();
  bool ends_in_half_a_value(const std::vector<Field>& row);

  std::size_t columns_;
  std::size_t usual_;
  char delimiter_;
  Role last_;
  std::size_t time_;
  std::size_t clock_;
  std::size_t half_;
  Lines lines_;
  TimeColumn times_;
  std::string both_;  // date and time of day
  std::size_t cut_line_ = 0;
  bool any_ = false;  // one was as it should be
};

}  // namespace spillway::kinds
