#include "common/kinds/csv_rows.h"

#include <algorithm>

#include "common/kinds/csv_cells.h"
#include "common/kinds/format.h"

namespace spillway::kinds {

Result<const std::vector<Field>*> Rows::fields() {
  auto fields = lines_.fields();
  if (!fields) return fields;
  const std::vector<Field>& row = **fields;
  const auto extra = row.begin() + static_cast<std::ptrdiff_t>(std::min(columns_, row.size()));
  const auto odd =
      std::find_if(extra, row.end(), [](const Field& field) { return !field.text.empty(); });
  if (row.size() >= std::min(columns_, least_) && odd == row.end()) return fields;
  const auto column = static_cast<std::size_t>(odd - row.begin()) + 1;
  return lines_.wrong(column, std::to_string(row.size()) + " fields where the header has " +
                                  std::to_string(columns_) + "; the row is cut or ragged");
}

std::string_view Rows::time_of(const std::vector<Field>& row) {
  const std::string_view time = text_of(row, time_);
  const std::string_view clock = text_of(row, clock_);
  if (is_missing(time)) return {};
  if (is_missing(clock)) return time;
  both_.assign(time).append(" ").append(clock);
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
