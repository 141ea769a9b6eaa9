#include "common/kinds/csv_inspect.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "common/kinds/csv_cells.h"
#include "common/kinds/csv_rows.h"
#include "common/kinds/csv_time.h"
#include "common/kinds/format.h"

namespace spillway::kinds {
namespace {

constexpr std::size_t kMostRemarks = 20;

std::string delimiter_word(char delimiter) {
  switch (delimiter) {
    case ';': return "semicolon";
    case '\t': return "tab";
    case ' ': return "blank";
    default: return "comma";
  }
}

bool is_overrange(std::string_view text) {
  return text == "-7999" || text == "7999" || text == "-6999" || text == "6999";
}

// Where times first go back, if a date's order is so.
struct Backwards {
  std::optional<std::int64_t> last;
  std::size_t count = 0;
  std::size_t line = 0;
};

class Inspector {
 public:
  Inspector(Shape shape, const TableOptions& options)
      : shape_(std::move(shape)), options_(options), rows_(shape_, options.shape.dates) {}

  CsvInspection inspect() {
    describe_shape();
    while (rows_.next()) take_row();
    for (std::size_t i = 0; i < seen_.columns.size(); ++i) name_role(i);
    remark_lines();
    describe_time();
    return std::move(seen_);
  }

 private:
  void describe_shape() {
    seen_.delimiter = delimiter_word(shape_.delimiter);
    bool comma = shape_.decimal == ',';
    if (shape_.delimiter_said) {
      remark("the first line, sep=, names the delimiter and is left out");
    }
    if (shape_.names_guessed) {
      remark("line " + std::to_string(shape_.skipped + 1) +
             " is taken for the names of the columns, what stands before it for titles; skip= says "
             "otherwise");
    }
    for (const ShapeColumn& column : shape_.columns) {
      seen_.columns.push_back({column.name, column.unit, "", 0, 0});
      comma = comma || column.decimal == ',';
      remark_decimal(column);
    }
    seen_.decimal = comma ? "comma" : "point";
    seen_.skipped_lines = shape_.skipped;
    seen_.header_lines = shape_.header_lines;
    words_.resize(shape_.columns.size());
  }

  void remark_decimal(const ShapeColumn& column) {
    const std::string name = "column '" + printable(column.name) + "': ";
    if (column.decimal != shape_.decimal) {
      remark(name + "its numbers in quotes have a decimal comma");
    }
    if (column.thousands.empty() || options_.shape.decimal) return;
    const std::string open = name + "each number with a comma, such as " +
                             printable(column.thousands) + ", has three digits behind it; ";
    remark(column.decimal == ','
               ? open +
                     "it is taken for a decimal comma, not for thousands; decimal=point refuses it"
               : open +
                     "whether it is a decimal comma or of thousands is not guessed; decimal=comma "
                     "says the first");
  }

  void take_row() {
    ++seen_.rows;
    auto fields = rows_.fields();
    if (!fields) return remark(fields.error().message);
    if (Status status = rows_.check_time(**fields); !status) {
      if (!std::exchange(odd_time_, true)) remark(status.error().message);
    } else {
      compare_times(rows_.time_of(**fields));
    }
    for (std::size_t i = 0; i < seen_.columns.size(); ++i) {
      take_value(i, Rows::text_of(**fields, i));
    }
  }

  // With either order, since only the whole column tells which it is.
  void compare_times(std::string_view time) {
    for (const DateOrder order : {DateOrder::day_first, DateOrder::month_first}) {
      Backwards& back = backwards_[order == DateOrder::day_first ? 0 : 1];
      const std::optional<std::int64_t> now = time_key(time, order);
      if (!now) continue;
      if (back.last && *now < *back.last && back.count++ == 0) {
        back.line = rows_.lines().line_number();
      }
      back.last = now;
    }
  }

  void take_value(std::size_t i, std::string_view text) {
    InspectedColumn& column = seen_.columns[i];
    if (lacks_value(text, options_)) {
      ++column.missing;
      check_missing(i, text);
    } else if (shape_.columns[i].role == Role::time ||
               parse_cell(text, shape_.columns[i].decimal).fault == NumberFault::none) {
      ++column.values;
      if (shape_.columns[i].role == Role::label) check_label(i, text);
      if (shape_.columns[i].role == Role::time) check_other_time(i, text);
      if (!overrange_ && is_overrange(text) && shape_.columns[i].role == Role::measurement) {
        overrange_ = true;
        remark(rows_.lines()
                   .wrong(i + 1, std::string(text) +
                                     " is what Campbell's loggers write for a value out of range; "
                                     "it is taken for one, but nodata=" +
                                     std::string(text) + " makes it a missing one")
                   .message);
      }
    } else if (words_[i]++ == 0 && !lacks_name(i)) {
      remark(rows_.lines().wrong(i + 1, "'" + printable(text) + "' is not a number").message);
    }
  }

  void check_missing(std::size_t i, std::string_view text) {
    if (infinite_ || !is_infinite(text) || shape_.columns[i].role != Role::measurement) return;
    infinite_ = true;
    remark(rows_.lines()
               .wrong(i + 1, "'" + printable(text) + "' is infinite and taken for a missing value")
               .message);
  }

  // Of a column that is left out for holding times, though they are not those of the rows.
  void check_other_time(std::size_t i, std::string_view text) {
    if (i == shape_.time || i == shape_.clock || i == shape_.half || words_[i] > 0) return;
    if (time_key(text, DateOrder::day_first) || time_key(text, DateOrder::month_first)) {
      if (!looks_like_number(text) || is_unix_time(text)) return;
    }
    ++words_[i];
    remark(rows_.lines()
               .wrong(i + 1, "'" + printable(text) +
                                 "' is in no form of time that is known; the column is left out, "
                                 "for it is named or looks like times")
               .message);
  }

  // Which only some kinds read.
  void check_label(std::size_t i, std::string_view text) {
    const double value = parse_cell(text, shape_.columns[i].decimal).value;
    if (value == 0 || value == 1 || words_[i]++ > 0) return;
    remark(rows_.lines()
               .wrong(i + 1, "'" + printable(text) +
                                 "' is not a label; only 0 and 1 are, and kinds that use labels "
                                 "refuse it")
               .message);
  }

  void remark(std::string text) {
    if (seen_.remarks.size() < kMostRemarks) seen_.remarks.push_back(std::move(text));
  }

  void name_role(std::size_t i) {
    InspectedColumn& column = seen_.columns[i];
    if (lacks_name(i) && column.values + words_[i] > 0) {
      column.role = "no name, left out";
      return;
    }
    switch (shape_.columns[i].role) {
      case Role::time: column.role = "time"; return;
      case Role::label: column.role = "label"; return;
      case Role::counter: column.role = "record counter"; break;
      default: column.role = column.values > 0 ? "measurement" : words_[i] > 0 ? "text" : "empty";
    }
    if (shape_.columns[i].role == Role::counter && !is_named(i)) column.role += ", left out";
  }

  // And is left out for that.
  bool lacks_name(std::size_t i) const {
    const ShapeColumn& column = shape_.columns[i];
    return column.nameless && column.role == Role::measurement && !is_named(i);
  }

  bool is_named(std::size_t i) const {
    return std::any_of(options_.columns.begin(), options_.columns.end(),
                       [&column = shape_.columns[i]](const std::string& name) {
                         return name == column.name || name == column.brief;
                       });
  }

  void remark_lines() {
    if (const std::size_t blank = rows_.lines().blank_lines(); blank > 0) {
      remark(std::to_string(blank) + (blank == 1 ? " blank line is" : " blank lines are") +
             " left out");
    }
    if (const std::size_t again = rows_.lines().repeated_headers(); again > 0) {
      remark("the header comes again " + std::to_string(again) + (again == 1 ? " time" : " times") +
             " among the rows and is left out there");
    }
    if (const std::size_t cut = rows_.cut_line(); cut > 0) {
      remark("line " + std::to_string(cut) +
             ": the last row is cut off, as when a file is copied while it is written; it is left "
             "out");
    } else if (seen_.rows > 0 && !rows_.lines().ended()) {
      remark(
          "no line break follows the last row; if the file was copied while it was written, the "
          "last value may be cut off");
    }
  }

  void describe_time() {
    if (shape_.time == Shape::kNone) return;
    const TimeColumn& times = rows_.times();
    seen_.time_column = seen_.columns[shape_.time].name;
    if (shape_.clock != Shape::kNone) seen_.time_column += " + " + seen_.columns[shape_.clock].name;
    if (shape_.half != Shape::kNone) seen_.time_column += " + " + seen_.columns[shape_.half].name;
    seen_.time_format = times.format();
    seen_.first_time = times.first();
    seen_.last_time = times.last();
    const std::string name = "column '" + printable(seen_.columns[shape_.time].name) + "': ";
    if (times.assumed()) {
      const bool day_first = times.order() == DateOrder::day_first;
      remark(name + "no date has a number over 12 that would tell day and month apart; " +
             (day_first ? "the day is taken to come first; dates=month-first says otherwise"
                        : "the month is taken to come first, because of AM and PM; dates=day-first "
                          "says otherwise"));
    }
    const Backwards& back = backwards_[times.order() == DateOrder::day_first ? 0 : 1];
    if (back.count == 0) return;
    remark("line " + std::to_string(back.line) + ": the time goes back, " +
           std::to_string(back.count) + (back.count == 1 ? " time" : " times") +
           " in all; rows stay in the order in which they stand");
  }

  Shape shape_;
  const TableOptions& options_;
  Rows rows_;
  CsvInspection seen_;
  std::vector<std::size_t> words_;  // a column
  std::array<Backwards, 2> backwards_;
  bool odd_time_ = false;
  bool overrange_ = false;
  bool infinite_ = false;
};

}  // namespace

Result<CsvInspection> inspect_csv(std::string_view text, const TableOptions& options) {
  Result<Shape> shape = find_shape(text, options.shape);
  if (!shape) return shape.error();
  CsvInspection seen = Inspector(std::move(*shape), options).inspect();
  Result<Table> table = read_table(as_bytes(text), options);
  if (!table) seen.refused = table.error().message;
  return seen;
}

std::string to_json(const CsvInspection& inspection) {
  JsonWriter json;
  json.begin_object().name("delimiter").text(inspection.delimiter);
  json.name("decimal").text(inspection.decimal);
  json.name("skipped_lines").count(inspection.skipped_lines);
  json.name("header_lines").count(inspection.header_lines).name("rows").count(inspection.rows);
  json.name("time").begin_object().name("column").text(inspection.time_column);
  json.name("format").text(inspection.time_format).name("first").text(inspection.first_time);
  json.name("last").text(inspection.last_time).end_object().name("columns").begin_array();
  for (const InspectedColumn& column : inspection.columns) {
    json.begin_object().name("name").text(column.name).name("unit").text(column.unit);
    json.name("role").text(column.role).name("values").count(column.values);
    json.name("missing").count(column.missing).end_object();
  }
  json.end_array().name("remarks").begin_array();
  for (const std::string& remark : inspection.remarks) json.text(remark);
  json.end_array().name("refused").text(inspection.refused).end_object();
  return json.done();
}

}  // namespace spillway::kinds
