#include "common/kinds/csv_inspect.h"

#include <algorithm>

#include "common/kinds/csv_cells.h"
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

class Inspector {
 public:
  Inspector(Shape shape, std::optional<DateOrder> dates)
      : shape_(std::move(shape)), lines_(shape_.rows), time_(dates) {}

  CsvInspection inspect() {
    describe_shape();
    while (lines_.next_line()) take_row();
    for (std::size_t i = 0; i < seen_.columns.size(); ++i) name_role(i);
    describe_time();
    return std::move(seen_);
  }

 private:
  void describe_shape() {
    seen_.delimiter = delimiter_word(shape_.delimiter);
    seen_.decimal = shape_.decimal == ',' ? "comma" : "point";
    seen_.skipped_lines = shape_.skipped;
    seen_.header_lines = shape_.header_lines;
    time_at_ = shape_.columns.size();
    for (const ShapeColumn& column : shape_.columns) {
      seen_.columns.push_back({column.name, column.unit, "", 0, 0});
      if (column.role != Role::time || time_at_ < shape_.columns.size()) continue;
      time_at_ = seen_.columns.size() - 1;
    }
    words_.resize(shape_.columns.size());
  }

  void take_row() {
    ++seen_.rows;
    auto fields = lines_.fields();
    if (!fields) return remark(fields.error().message);
    for (std::size_t i = 0; i < seen_.columns.size(); ++i) {
      take_value(i, i < (*fields)->size() ? trim((**fields)[i].text) : std::string_view());
    }
  }

  void take_value(std::size_t i, std::string_view text) {
    InspectedColumn& column = seen_.columns[i];
    if (is_missing(text)) {
      ++column.missing;
    } else if (i == time_at_) {
      column.values += 1;
      if (!time_.add(text) && !std::exchange(odd_time_, true))
        blame(i, text, "is not a time like those before it");
    } else if (shape_.columns[i].role == Role::time ||
               parse_cell(text, shape_.decimal).fault == NumberFault::none) {
      ++column.values;
    } else if (words_[i]++ == 0) {
      blame(i, text, "is not a number");
    }
  }

  void blame(std::size_t i, std::string_view text, const char* what) {
    remark(lines_.wrong(i + 1, "'" + printable(text) + "' " + what).message);
  }

  void remark(std::string text) {
    if (seen_.remarks.size() < kMostRemarks) seen_.remarks.push_back(std::move(text));
  }

  void name_role(std::size_t i) {
    InspectedColumn& column = seen_.columns[i];
    switch (shape_.columns[i].role) {
      case Role::time: column.role = "time"; return;
      case Role::label: column.role = "label"; return;
      default: break;
    }
    column.role = column.values > 0 ? "measurement" : words_[i] > 0 ? "text" : "empty";
  }

  void describe_time() {
    if (time_at_ == seen_.columns.size()) return;
    seen_.time_column = seen_.columns[time_at_].name;
    seen_.time_format = time_.format();
    seen_.first_time = time_.first();
    seen_.last_time = time_.last();
    if (!time_.ambiguous()) return;
    remark("column '" + printable(seen_.time_column) +
           "': no date has a number over 12, so that day and month cannot be told apart; say which "
           "comes first");
  }

  Shape shape_;
  Lines lines_;
  TimeColumn time_;
  CsvInspection seen_;
  std::size_t time_at_ = 0;
  std::vector<std::size_t> words_;  // a column
  bool odd_time_ = false;
};

}  // namespace

Result<CsvInspection> inspect_csv(std::string_view text, const TableOptions& options,
                                  std::optional<DateOrder> dates) {
  Result<Shape> shape = find_shape(text, options.shape);
  if (!shape) return shape.error();
  CsvInspection seen = Inspector(std::move(*shape), dates).inspect();
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
