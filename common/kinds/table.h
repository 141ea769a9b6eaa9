#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "spillway/bytes.h"
#include "spillway/kind.h"
#include "spillway/status.h"

namespace spillway::kinds {

struct Column {
  std::string name;
  std::vector<double> values;  // one a row, within +-1e100
};

// A recording: columns of equal length, at least one feature and one row.
struct Table {
  std::vector<Column> features;
  std::vector<Column> labels;  // values are 0 or 1
  std::size_t rows = 0;

  const Column* label(std::string_view name) const;
};

// Reads CSV (RFC 4180, but for line breaks inside quotes). The delimiter, ',' or ';', is whichever
// the header has more of. The first line names the columns. A column is skipped as a time stamp
// when its name is one of time, timestamp, datetime, date, or when it is the first and starts with
// text like 2020-02-08; a column named anomaly or changepoint is a label and never a feature; every
// other column is a feature. Blank lines at the end and a byte order mark are ignored. Anything
// else is one `invalid_argument` that names line and column; `cancelled` when stopped.
Result<Table> read_table(ByteView text, const std::stop_token& stop = {});
// The same of a kind's input, and in parallel when there is much of it.
Result<Table> read_table(KindContext& context);

// Keeps the named features, in the order of the names; all when there are no names.
Status select_features(Table& table, const std::vector<std::string>& names);

}  // namespace spillway::kinds
