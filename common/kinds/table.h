#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "common/kinds/csv_shape.h"
#include "spillway/bytes.h"
#include "spillway/kind.h"
#include "spillway/status.h"

namespace spillway::kinds {

class ArgReader;

struct Column {
  std::string name;
  std::vector<double> values;  // one a row, within +-1e100
};

// A recording: columns of equal length, at least one feature and one row.
struct Table {
  std::vector<Column> features;
  std::vector<Column> labels;  // values are 0 or 1; none unless asked for
  std::size_t rows = 0;

  const Column* label(std::string_view name) const;
};

// What becomes of a row in which a column that is read has no value: an error, left out, or the
// column's value of the row before (left out where there is none yet). Where times are checked,
// `skip` leaves out a row without one, too, when others have one.
enum class Missing : std::uint8_t { error, skip, hold };

struct TableOptions {
  ShapeOptions shape;
  Missing missing = Missing::error;
  // What stands for a missing value besides the usual texts, such as 7999 or OVER; see NoData.
  std::vector<std::string> nodata;
  // The measurements to read, in this order, by name or by name without unit; the others may hold
  // anything. Empty: all that hold a number but record counters and those that have no name where
  // others do, which are read only when named, the latter as "column 3"; those without any number,
  // such as remarks, are left out.
  std::vector<std::string> columns;
  // Whether labels are read, too, for the kinds that use them; else they may hold anything.
  bool labels = false;

  // Whether a wrong time is an error. No kind's result holds times, so when columns are named they
  // alone count, and the time only if it is named, too.
  bool check_times() const { return columns.empty() || !shape.time.empty(); }
};

// The args that every kind that reads CSV takes: missing (error), nodata (none), delimiter,
// decimal, skip, header, dates (found from the text) and time (by name or look).
TableOptions read_table_options(ArgReader& args);

// Reads CSV (RFC 4180, but for line breaks inside quotes) as loggers write it: see find_shape for
// how its first lines are understood. An empty value, NaN, INF, null, NA, #N/A, dashes and what arg
// nodata lists are missing, and so is what lacks at the end of a row.
// Ignored are blank lines, lines of delimiters alone at the end, a byte order mark, a delimiter at
// the end of rows, the header where it comes again, and a last row that is cut off: without a line
// break behind it, and with too few fields. The time of a row may be missing, but one
// that does not exist, or is written otherwise than those before it, is an error where times are
// checked, as is anything else: one `invalid_argument` that names line and column; `cancelled` when
// stopped.
Result<Table> read_table(ByteView text, const TableOptions& options = {},
                         const std::stop_token& stop = {});
// The same of a kind's input, and in parallel when there is much of it.
Result<Table> read_table(KindContext& context, const TableOptions& options);

}  // namespace spillway::kinds
