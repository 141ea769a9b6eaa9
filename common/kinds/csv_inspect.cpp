#include "common/kinds/csv_inspect.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "common/kinds/csv_cells.h"
#include "common/kinds/csv_rows.h"
#include "common/kinds/csv_steps.h"
#include "common/kinds/csv_time.h"
#include "common/kinds/csv_values.h"
#include "common/kinds/format.h"

namespace spillway::kinds {
namespace {

constexpr std::size_t kMostRemarks = 20;
constexpr std::size_t kMostSeriesNamed = 4;

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

// A span as 600 s or 0.1 s.
std::string span_text(std::int64_t milliseconds) {
  std::string text = std::to_string(milliseconds / 1000);
  if (std::string part = std::to_string(1000 + milliseconds % 1000); part != "1000") {
    part.erase(part.find_last_not_of('0') + 1);
    text += "." + part.substr(1);
  }
  return text + " s";
}

std::string times_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " time" : " times");
}

class Inspector {
 public:
  Inspector(Shape shape, const TableOptions& options)
      : shape_(std::move(shape)),
        options_(options),
        nodata_(options.nodata),
        rows_(shape_, options.shape.dates) {}

  CsvInspection inspect() {
    describe_shape();
    while (rows_.next()) take_row();
    for (std::size_t i = 0; i < seen_.columns.size(); ++i) name_role(i);
    remark_lines();
    describe_time();
    remark_values();
    remark_series();
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
      remark_twins(column);
    }
    seen_.decimal = comma ? "comma" : "point";
    seen_.skipped_lines = shape_.skipped;
    seen_.header_lines = shape_.header_lines;
    words_.resize(shape_.columns.size());
    texts_.resize(shape_.columns.size());
    values_.resize(shape_.columns.size());
  }

  void remark_twins(const ShapeColumn& column) {
    const auto first =
        std::find_if(shape_.columns.begin(), shape_.columns.end(),
                     [&column](const ShapeColumn& other) { return other.shared == column.shared; });
    if (column.shared.empty() || &*first != &column) return;
    remark("several columns are named '" + printable(column.shared) +
           "'; each is told by its place, the first as '" + printable(column.name) + "'");
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
    if (!fields) {
      if (ragged_++ == 0) remark(fields.error().message);
      return;
    }
    if (rows_.is_short(**fields) && short_.count++ == 0) {
      short_.line = rows_.lines().line_number();
      short_.fields = (*fields)->size();
    }
    count_timeless(rows_.time_of(**fields));
    if (Status status = rows_.check_time(**fields); !status) {
      if (!std::exchange(odd_time_, true)) remark(status.error().message);
    } else {
      compare_times(rows_.time_of(**fields));
    }
    for (std::size_t i = 0; i < seen_.columns.size(); ++i) {
      take_value(i, Rows::text_of(**fields, i));
    }
  }

  void count_timeless(std::string_view time) {
    if (!time.empty()) {
      if (timed_.count++ == 0) timed_.line = rows_.lines().line_number(), timed_.first = time;
      return;
    }
    if (timeless_.count++ == 0) timeless_.line = rows_.lines().line_number();
    if (timed_.count == 0) ++timeless_.leading;
  }

  // Compares times in either order of dates, since only the whole column tells which it is.
  void compare_times(std::string_view time) {
    for (const DateOrder order : {DateOrder::day_first, DateOrder::month_first}) {
      if (const std::optional<std::int64_t> now = time_key(time, order)) {
        steps_[order == DateOrder::day_first ? 0 : 1].add(*now, rows_.lines().line_number());
      }
    }
  }

  void take_value(std::size_t i, std::string_view text) {
    InspectedColumn& column = seen_.columns[i];
    const ParsedNumber number = parse_cell(text, shape_.columns[i].decimal);
    if (is_missing(text) || nodata_.holds(text, number)) {
      ++column.missing;
      check_missing(i, text);
    } else if (shape_.columns[i].role == Role::time || number.fault == NumberFault::none) {
      ++column.values;
      if (shape_.columns[i].role == Role::label) check_label(i, text);
      if (shape_.columns[i].role == Role::time) check_other_time(i, text);
      if (shape_.columns[i].role == Role::measurement) {
        values_[i].add(text, number.value, rows_.lines().line_number());
      }
      if (!overrange_ && is_overrange(text) && shape_.columns[i].role == Role::measurement) {
        overrange_ = true;
        remark(rows_.lines()
                   .wrong(i + 1, std::string(text) +
                                     " is what Campbell's loggers write for a value out of range; "
                                     "it is taken for one, but nodata=" +
                                     std::string(text) + " makes it a missing one")
                   .message);
      }
    } else {
      if (!looks_like_number(text)) texts_[i].add(text);
      if (words_[i]++ > 0 || lacks_name(i)) return;
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

  // Looks for what is no time in a column that is left out for holding other times than the rows'.
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

  // Labels are read by some kinds only.
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
      case Role::once: column.role = "in the first rows alone"; break;
      default: column.role = column.values > 0 ? "measurement" : words_[i] > 0 ? "text" : "empty";
    }
    const Role role = shape_.columns[i].role;
    if ((role == Role::counter || role == Role::once) && !is_named(i)) column.role += ", left out";
  }

  // Whether the column is left out for having no name.
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
    if (ragged_ > 1) {
      remark(times_text(ragged_) +
             " in all the fields of a row cannot be told; such rows count for "
             "nothing here");
    }
    if (short_.count > 0) {
      remark(error_place(short_.line, 0) + ": " + std::to_string(short_.fields) +
             " fields where the header has " + std::to_string(shape_.columns.size()) +
             "; what lacks at the end of such rows, " + times_text(short_.count) +
             " in all, is taken for missing values");
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
    if (times.format().empty() && timed_.count > 0) {
      remark(
          error_place(timed_.line, shape_.time + 1) + ": '" + printable(timed_.first) +
          "' is in no form of time that is known; neither the order of the rows nor gaps are told");
    }
    if (times.year_may_lead()) {
      remark(name + "dates such as " + printable(timed_.first) + " are taken for " + times.first() +
             ", with the year last; were it to come first, it would need four digits");
    }
    remark_timeless();
    remark_steps(steps_[times.order() == DateOrder::day_first ? 0 : 1]);
  }

  // Remarks rows without a time, such as numbers of channels under the names, or a sum at the end.
  void remark_timeless() {
    if (timeless_.count == 0 || timed_.count == 0) return;
    const std::string row = error_place(timeless_.line, 0) + ": the row has no time, " +
                            times_text(timeless_.count) + " in all, though others have one; ";
    const bool left_out = options_.missing == Missing::skip && options_.check_times();
    const std::string read = left_out ? "such are left out"
                             : options_.check_times()
                                 ? "such are read like the others; missing=skip leaves them out"
                                 : "such are read like the others; missing=skip with time= leaves "
                                   "them out";
    const std::size_t header = shape_.header_lines + timeless_.leading;
    remark(row + read +
           (timeless_.leading == 0 ? ""
                                   : "; header=" + std::to_string(header) +
                                         " takes what stands before the first row with a time for "
                                         "the header's"));
  }

  void remark_steps(const TimeSteps& steps) {
    if (const TimeSteps::Found& back = steps.back(); back.count > 0) {
      remark(error_place(back.line, 0) + ": the time goes back, " + times_text(back.count) +
             " in all; rows stay in the order in which they stand");
    }
    if (const TimeSteps::Found gaps = steps.gaps(); gaps.count > 0) {
      remark(error_place(gaps.line, 0) + ": " + span_text(gaps.step) +
             " lie between this row and the one before, where " + span_text(steps.median()) +
             " are usual; there are such gaps " + times_text(gaps.count) +
             " in all, and kinds read on as if there were none");
    }
  }

  void remark_values() {
    const bool fraction = std::any_of(values_.begin(), values_.end(),
                                      [](const ColumnValues& values) { return values.fraction(); });
    const bool points_group = shape_.decimal == '.' && !options_.shape.decimal && !fraction &&
                              (shape_.delimiter == ';' || rows_.times().has_points());
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const std::string name = "column '" + printable(seen_.columns[i].name) + "': ";
      if (points_group && !values_[i].thousands().empty()) {
        remark(name + "each number with a point, such as " + values_[i].thousands() +
               ", has three digits behind it, in a file that looks like one with decimal commas; "
               "it is taken for a decimal point, not for thousands; decimal=comma refuses it, "
               "decimal=point says that it is right");
        continue;  // for how far apart its numbers lie is just as open
      }
      remark_mark(name, values_[i].low_mark());
      remark_mark(name, values_[i].high_mark());
    }
  }

  void remark_mark(const std::string& column, const std::optional<ColumnValues::Mark>& mark) {
    if (!mark) return;
    std::string nodata = printable(mark->text);
    std::replace(nodata.begin(), nodata.end(), ',', '.');  // which would delimit
    remark(error_place(mark->line, 0) + ", " + column + printable(mark->text) +
           " lies far from all else and is what loggers write for no value; it is taken for one, " +
           times_text(mark->count) + " in all, but nodata=" + nodata + " makes it a missing one");
  }

  // Told apart by a text that nearly each row has, beside what is measured.
  void remark_series() {
    const auto measured = [](const InspectedColumn& column) {
      return column.role == "measurement";
    };
    if (std::none_of(seen_.columns.begin(), seen_.columns.end(), measured)) return;
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      const std::vector<std::string> series = texts_[i].repeated();
      const bool filled = 10 * texts_[i].count() >= 9 * seen_.rows;
      const bool text = shape_.columns[i].role == Role::measurement && seen_.columns[i].values == 0;
      if (series.empty() || !text || !filled) continue;
      if (std::all_of(series.begin(), series.end(), is_state)) continue;
      std::string names;
      for (std::size_t n = 0; n < std::min(series.size(), kMostSeriesNamed); ++n) {
        names += (n == 0 ? "" : ", ") + printable(series[n]);
      }
      remark("column '" + printable(seen_.columns[i].name) + "': its rows hold but " +
             std::to_string(series.size()) + " different texts, " +
             (series.size() > kMostSeriesNamed ? "such as " : "") + names +
             "; if these tell several series apart, the values of all are read as of one, mixed");
    }
  }

  Shape shape_;
  const TableOptions& options_;
  NoData nodata_;
  Rows rows_;
  CsvInspection seen_;
  std::vector<std::size_t> words_;    // a column
  std::vector<ColumnTexts> texts_;    // the same
  std::vector<ColumnValues> values_;  // the same
  std::array<TimeSteps, 2> steps_;    // by the order of dates
  std::size_t ragged_ = 0;            // rows of too many fields
  struct {
    std::size_t count = 0, line = 0, fields = 0;  // the latter of the first
  } short_;
  struct {
    std::size_t count = 0, line = 0, leading = 0;  // before the first with a time
  } timeless_;
  struct {
    std::size_t count = 0, line = 0;
    std::string first;
  } timed_;
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
