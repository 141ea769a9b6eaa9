#include "common/kinds/csv_shape.h"

#include <algorithm>

#include "common/kinds/csv_cells.h"
#include "common/kinds/format.h"
#include "common/kinds/nearest.h"

namespace spillway::kinds {
namespace {

constexpr std::size_t kMostTitles = 32;
constexpr std::size_t kMostExtraHeaders = 3;
constexpr std::size_t kRowsLookedAt = 200;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

std::size_t words(std::string_view line) {
  std::size_t count = 0;
  bool inside = false;
  for (char c : line) {
    const bool blank = c == ' ' || c == '\t';
    count += !blank && !inside;
    inside = !blank;
  }
  return count;
}

bool is_delimited(std::string_view line) {
  return count_outside_quotes(line, ',') + count_outside_quotes(line, ';') +
             count_outside_quotes(line, '\t') >
         0;
}

char find_delimiter(std::string_view names, std::string_view next) {
  const std::size_t semicolons = count_outside_quotes(names, ';');
  const std::size_t commas = count_outside_quotes(names, ',');
  const std::size_t tabs = count_outside_quotes(names, '\t');
  if (semicolons > commas) return ';';
  if (semicolons > 0 && semicolons == count_outside_quotes(next, ';')) return ';';
  const bool as_many_tabs = tabs > 0 && tabs == count_outside_quotes(next, '\t');
  if (as_many_tabs && (tabs > commas || count_outside_quotes(next, ',') == 0)) return '\t';
  if (commas + semicolons + tabs > 0 || is_delimited(next)) return ',';
  const bool as_many_words = words(names) > 1 && words(names) == words(next);
  return as_many_words && names.find('"') == std::string_view::npos ? ' ' : ',';
}

std::string name_of(const Field& field, std::size_t column) {
  if (field.text.empty()) return "column " + std::to_string(column);
  std::string name(field.text);
  for (std::size_t at = 0; field.doubled && (at = name.find("\"\"", at)) != std::string::npos;) {
    name.erase(at++, 1);
  }
  return name;
}

Role role_of(const std::string& name) {
  std::string word = lower(name);
  if (word == "anomaly" || word == "changepoint") return Role::label;
  bool time = word == "time" || word == "timestamp" || word == "datetime" || word == "date";
  return time ? Role::time : Role::measurement;
}

// "Temp, °C (sensor 4)" is Temp in °C, "Flow [l/s]" is Flow in l/s.
void split_unit(ShapeColumn& column) {
  const std::size_t end = column.name.find_first_of(",([");
  column.brief = trim(std::string_view(column.name).substr(0, end));
  if (end == std::string::npos || column.brief.empty()) {
    column.brief = column.name;
    return;
  }
  std::string_view unit = std::string_view(column.name).substr(end + 1);
  const char close = column.name[end] == '(' ? ')' : column.name[end] == '[' ? ']' : '(';
  column.unit = trim(unit.substr(0, unit.find(close)));
}

class ShapeFinder {
 public:
  ShapeFinder(std::string_view text, const ShapeOptions& options)
      : options_(options), lines_(text) {}

  Result<Shape> find() {
    if (Status status = pass_titles(); !status) return status.error();
    if (Status status = read_names(); !status) return status.error();
    pass_extra_headers();
    if (Status status = name_time(); !status) return status.error();
    look_at_rows();
    shape_.rows = lines_;
    return std::move(shape_);
  }

 private:
  Status pass_titles() {
    Lines ahead = lines_;
    if (!ahead.next_line()) {
      return fail(Code::invalid_argument, "the input is empty; a CSV with a header is wanted");
    }
    std::size_t skip = titles(ahead);
    if (options_.skip) skip = static_cast<std::size_t>(*options_.skip);
    for (std::size_t i = 0; i < skip; ++i) {
      if (lines_.next_line()) continue;
      return fail(Code::invalid_argument,
                  "arg skip: the input has no more than " + std::to_string(skip) + " lines");
    }
    shape_.skipped = skip;
    return {};
  }

  // Of the lines from the first on, which `ahead` stands at.
  std::size_t titles(Lines ahead) {
    const std::string_view first = ahead.line();
    if (first.starts_with("\"TOA5\",") || first.starts_with("TOA5,")) {
      toa5_ = true;
      return 1;
    }
    for (std::size_t count = 0; count <= kMostTitles; ++count) {
      const std::string_view line = ahead.line();
      if (is_delimited(line)) return holds_number(ahead) ? 0 : count;
      if (looks_like_number(trim(line)) || is_missing(trim(line)) || looks_like_time(trim(line))) {
        return 0;
      }
      if (!ahead.next_line()) return 0;
    }
    return 0;
  }

  bool holds_number(Lines lines) const {
    Lines next = lines;
    next.next_line();
    lines.set_delimiter(options_.delimiter.value_or(find_delimiter(lines.line(), next.line())));
    auto fields = lines.fields();
    return !fields || std::any_of((*fields)->begin(), (*fields)->end(),
                                  [](const Field& f) { return looks_like_number(f.text); });
  }

  Status read_names() {
    Lines before = lines_;
    if (!lines_.next_line()) {
      return fail(Code::invalid_argument, "the CSV ends before the line that names the columns");
    }
    Lines next = lines_;
    const std::string_view after = next.next_line() ? next.line() : std::string_view();
    shape_.delimiter = options_.delimiter.value_or(find_delimiter(lines_.line(), after));
    lines_.set_delimiter(shape_.delimiter);
    before.set_delimiter(shape_.delimiter);
    auto fields = lines_.fields();
    if (!fields) return fields.error();
    const bool nameless = options_.header == 0;
    for (const Field& field : **fields) {
      if (Status status = add_column(nameless ? Field{} : field, field.text); !status)
        return status;
    }
    if (nameless) shape_.least_fields = shape_.columns.size();
    if (nameless) lines_ = before;
    shape_.header_lines = nameless ? 0 : 1;
    return {};
  }

  Status add_column(const Field& field, std::string_view written) {
    const std::size_t column = shape_.columns.size() + 1;
    const bool number = parse_cell(field.text, '.').fault == NumberFault::none;
    if (number) {
      return lines_.wrong(
          column, "'" + printable(written) + "' is a number; the first line must name the columns");
    }
    ShapeColumn added;
    added.name = name_of(field, column);
    added.role = role_of(added.name);
    split_unit(added);
    shape_.columns.push_back(std::move(added));
    if (!field.text.empty() || column == 1) shape_.least_fields = column;
    return {};
  }

  void pass_extra_headers() {
    std::size_t most = toa5_ ? 2 : kMostExtraHeaders;
    if (options_.header)
      most = static_cast<std::size_t>(std::max<std::uint64_t>(*options_.header, 1) - 1);
    for (std::size_t i = 0; i < most; ++i) {
      Lines ahead = lines_;
      if (!ahead.next_line()) return;
      auto fields = ahead.fields();
      if (!options_.header && (!fields || !is_header(**fields))) return;
      if (i == 0 && fields) take_units(**fields);
      lines_ = ahead;
      ++shape_.header_lines;
    }
  }

  bool is_header(const std::vector<Field>& fields) const {
    if (fields.size() < 2 || fields.size() != shape_.columns.size()) return false;
    bool word = false;
    for (const Field& field : fields) {
      if (field.text.empty()) continue;
      if (is_missing(field.text) || starts_like_number(field.text)) return false;
      word = true;
    }
    return word;
  }

  void take_units(const std::vector<Field>& fields) {
    for (std::size_t i = 0; i < std::min(fields.size(), shape_.columns.size()); ++i) {
      shape_.columns[i].unit = fields[i].text;
    }
  }

  Status name_time() {
    if (options_.time.empty()) return {};
    std::vector<std::string_view> names;
    for (ShapeColumn& column : shape_.columns) {
      names.push_back(column.name);
      if (column.name != options_.time && column.brief != options_.time) continue;
      column.role = Role::time;
      return {};
    }
    return fail(Code::invalid_argument, "arg time: there is no column '" +
                                            printable(options_.time) + "'" +
                                            did_you_mean(options_.time, names));
  }

  // The first row's looks, and the decimal mark.
  void look_at_rows() {
    Lines ahead = lines_;
    bool comma = false, point = false;
    for (std::size_t row = 0; row < kRowsLookedAt && ahead.next_line(); ++row) {
      auto fields = ahead.fields();
      if (!fields) break;
      for (std::size_t i = 0; i < std::min((*fields)->size(), shape_.columns.size()); ++i) {
        const std::string_view text = (**fields)[i].text;
        ShapeColumn& column = shape_.columns[i];
        const bool time = looks_like_time(text);
        if (row == 0 && column.role == Role::measurement && time) column.role = Role::time;
        if (time || column.role == Role::time) continue;
        comma = comma || (text.find(',') != std::string_view::npos && looks_like_number(text));
        point = point || (text.find('.') != std::string_view::npos && looks_like_number(text));
      }
    }
    shape_.decimal = shape_.delimiter != ',' && comma && !point ? ',' : '.';
    if (options_.decimal) shape_.decimal = *options_.decimal;
  }

  const ShapeOptions& options_;
  Lines lines_;
  Shape shape_{',', '.', 0, 1, {}, 0, Lines("")};
  bool toa5_ = false;
};

}  // namespace

Result<Shape> find_shape(std::string_view text, const ShapeOptions& options) {
  return ShapeFinder(text, options).find();
}

}  // namespace spillway::kinds
