#include "common/kinds/table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "common/kinds/args.h"
#include "common/kinds/csv_cells.h"
#include "common/kinds/csv_names.h"
#include "common/kinds/csv_rows.h"
#include "common/kinds/format.h"
#include "common/kinds/nearest.h"
#include "common/kinds/stopped.h"

namespace spillway::kinds {
namespace {

constexpr std::size_t kRowsBetweenStopChecks = 4096;
constexpr std::size_t kLongestNodata = 16;  // that is proposed
constexpr std::size_t kPartBytes = 128 * 1024;
constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

// A fault whose weight only the rest of the column decides.
struct Doubt {
  std::size_t line = 0;
  Error error;
};

// One column while it is read. A value that is missing is NaN in `values`.
struct Reading {
  Role role = Role::unused;
  bool wanted = false;  // by name
  Column column;
  std::size_t numbers = 0;
  std::size_t absent = 0;        // rows that end before it
  std::optional<Doubt> missing;  // the first
  std::optional<Doubt> word;     // the first; a word among numbers is an error
};

std::string fault_text(NumberFault fault) {
  switch (fault) {
    case NumberFault::out_of_range: return "is out of range";
    case NumberFault::not_finite: return "is not a finite number";
    case NumberFault::too_large: return "is beyond 1e100";
    default: return "is not a number";
  }
}

// Collects the columns of one table.
class TableReader {
 public:
  TableReader(Shape shape, const TableOptions& options)
      : rows_(shape, options.shape.dates),
        shape_(std::move(shape)),
        options_(options),
        nodata_(options.nodata) {}

  Result<Table> read(const std::stop_token& stop) {
    if (Status status = choose_columns(); !status) return status.error();
    if (Status status = read_rows(stop); !status) return status.error();
    return finish();
  }

  // In so many parts, which depend on the text alone. An error says that one is to be found, not
  // which: what is wrong first shows only to those who read in order.
  Result<Table> read_parts(KindContext& context, std::size_t count) {
    if (Status status = choose_columns(); !status) return status.error();
    std::vector<TableReader> parts = cut(count);
    std::vector<char> good(parts.size());
    const std::stop_token stop = context.stop();
    context.parallel_for(parts.size(), [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        good[i] = parts[i].read_rows(stop).ok();
      }
    });
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (!good[i] || !append(parts[i])) {
        return fail(Code::invalid_argument, "a part is not as it should be");
      }
    }
    return finish();
  }

 private:
  // Roles of all columns, of which only the wanted ones are read when some are named.
  Status choose_columns() {
    std::vector<std::size_t> wanted;
    for (const std::string& name : options_.columns) {
      Result<std::size_t> found = find_column(name);
      if (!found) return found.error();
      if (std::find(wanted.begin(), wanted.end(), *found) != wanted.end()) {
        return fail(Code::invalid_argument, "column '" + printable(name) + "' is named twice");
      }
      wanted.push_back(*found);
    }
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < shape_.columns.size(); ++i) {
      const ShapeColumn& column = shape_.columns[i];
      const bool named = std::find(wanted.begin(), wanted.end(), i) != wanted.end();
      const bool measured =
          named || (column.role == Role::measurement && wanted.empty() && !column.nameless);
      const bool unused = !measured && column.role != Role::time &&
                          (column.role != Role::label || !options_.labels);
      const bool label = !unused && column.role == Role::label;
      if (label && !seen.insert(column.name).second) return twin(i);
      readings_.push_back({});
      readings_.back().role = unused ? Role::unused : named ? Role::measurement : column.role;
      readings_.back().wanted = named;
      readings_.back().column.name = column.name;
    }
    wanted_ = std::move(wanted);
    return {};
  }

  Error twin(std::size_t i) const {
    return fail(Code::invalid_argument, error_place(shape_.skipped + 1, i + 1) +
                                            ": a second column named '" +
                                            printable(shape_.columns[i].name) + "'");
  }

  // By the whole name, else by the name without its unit where only one has it.
  Result<std::size_t> find_column(const std::string& name) const {
    std::vector<std::string_view> known;
    std::vector<std::size_t> whole, brief;
    for (std::size_t i = 0; i < shape_.columns.size(); ++i) {
      const ShapeColumn& column = shape_.columns[i];
      if (column.role == Role::time || column.role == Role::label) continue;
      known.push_back(column.brief);
      if (column.name == name || column.shared == name) whole.push_back(i);
      if (column.brief == name) brief.push_back(i);
    }
    const std::vector<std::size_t>& found = whole.empty() ? brief : whole;
    if (found.size() > 1) {
      return fail(Code::invalid_argument, std::to_string(found.size()) + " columns are named '" +
                                              printable(name) + "'; one is '" +
                                              printable(shape_.columns[found.front()].name) + "'");
    }
    if (!found.empty()) return found.front();
    for (const ShapeColumn& column : shape_.columns) {
      if (column.role != Role::time || (column.name != name && column.brief != name)) continue;
      return fail(Code::invalid_argument,
                  "column '" + printable(name) + "' is taken for times, not for measurements");
    }
    return fail(Code::invalid_argument, "there is no measurement column '" + printable(name) + "'" +
                                            did_you_mean(name, known));
  }

  // The rows that are left, for readers that know the columns.
  std::vector<TableReader> cut(std::size_t count) const {
    std::vector<TableReader> parts(count, *this);
    std::string_view rest = rows_.lines().rest();
    for (std::size_t i = 0; i < count; ++i) {
      std::size_t size = rest.size() / (count - i);
      size = std::min(rest.find('\n', size), rest.size() - 1) + 1;
      if (rest.empty() || i + 1 == count) size = rest.size();
      parts[i].rows_.go_on_with(rest.substr(0, size));
      parts[i].shape_.rows = parts[i].rows_.lines();
      rest.remove_prefix(size);
    }
    return parts;
  }

  // False when the parts together hold what would be an error in one: where is for those to say who
  // read in order.
  bool append(const TableReader& part) {
    for (std::size_t i = 0; i < readings_.size(); ++i) {
      Reading& all = readings_[i];
      const Reading& more = part.readings_[i];
      all.column.values.insert(all.column.values.end(), more.column.values.begin(),
                               more.column.values.end());
      all.numbers += more.numbers;
      all.absent += more.absent;
      if (!all.word) all.word = more.word;
      if (!all.missing) all.missing = more.missing;
      if (all.word && all.numbers > 0) return false;
      if (all.missing && all.numbers > 0 && options_.missing == Missing::error) return false;
    }
    timeless_.insert(timeless_.end(), part.timeless_.begin(), part.timeless_.end());
    count_ += part.count_;
    return rows_.join(part.rows_);
  }

  Status read_rows(const std::stop_token& stop) {
    while (rows_.next()) {
      if (count_ % kRowsBetweenStopChecks == 0 && stop.stop_requested()) return stopped();
      if (Status status = read_row(); !status) return status;
    }
    return {};
  }

  Status read_row() {
    auto fields = rows_.fields();
    if (!fields) return fields.error();
    const std::vector<Field>& row = **fields;
    if (options_.check_times()) {
      if (Status status = rows_.check_time(row); !status) return odd_time(status.error());
      const bool counts = shape_.time != Shape::kNone && options_.missing == Missing::skip;
      if (counts) timeless_.push_back(rows_.time_of(row).empty());
    }
    for (std::size_t i = 0; i < std::min(row.size(), readings_.size()); ++i) {
      if (Status status = add_value(i, row[i].text); !status) return status;
    }
    for (std::size_t i = row.size(); i < readings_.size(); ++i) add_absent(i, row);
    ++count_;
    return {};
  }

  Error odd_time(Error wrong) const {
    wrong.message += options_.shape.time.empty() ? "; with columns= no time is looked at"
                                                 : "; with columns= and no time= none is looked at";
    return wrong;
  }

  Status add_value(std::size_t i, std::string_view text) {
    Reading& reading = readings_[i];
    if (reading.role == Role::time || reading.role == Role::unused) return {};
    const ParsedNumber number = parse_cell(text, shape_.columns[i].decimal);
    if (number.fault != NumberFault::none || (!nodata_.empty() && nodata_.holds(text, number))) {
      return add_other(i, text, number);
    }
    if (reading.word) return reading.word->error;
    if (reading.role == Role::label && number.value != 0 && number.value != 1) {
      return rows_.lines().wrong(i + 1,
                                 "'" + printable(text) + "' is not a label; only 0 and 1 are");
    }
    reading.column.values.push_back(number.value);
    ++reading.numbers;
    return {};
  }

  // Takes what lacks at the end of a row for missing.
  void add_absent(std::size_t i, const std::vector<Field>& row) {
    const Role role = readings_[i].role;
    if (role == Role::time || role == Role::unused) return;
    ++readings_[i].absent;
    add_missing(i, [&] { return rows_.ragged(row); });
  }

  template <class Wrong>
  void add_missing(std::size_t i, Wrong wrong) {
    Reading& reading = readings_[i];
    reading.column.values.push_back(kMissing);
    if (reading.missing) return;
    Error error = wrong();
    error.message += " (column '" + printable(reading.column.name) +
                     "'); missing=skip or hold goes on without it";
    reading.missing = Doubt{rows_.lines().line_number(), std::move(error)};
  }

  Status add_other(std::size_t i, std::string_view text, const ParsedNumber& number) {
    Reading& reading = readings_[i];
    if (const std::string_view bare = trim(text); bare.size() < text.size()) {
      return add_value(i, bare);  // blanks inside quotes
    }
    if (is_missing(text) || nodata_.holds(text, number)) {
      add_missing(i, [&] { return rows_.lines().wrong(i + 1, "the value is missing"); });
      return {};
    }
    const std::string where = " (column '" + printable(reading.column.name) + "')";
    const bool word = number.fault == NumberFault::not_a_number && !starts_like_number(text);
    const std::string hint =
        word ? nodata_hint(text) : number_hint(shape_.columns[i], text, number.fault);
    const Error wrong = rows_.lines().wrong(
        i + 1, "'" + printable(text) + "' " + fault_text(number.fault) + where + hint);
    if (reading.numbers > 0 || !word) return wrong;
    if (!reading.word) reading.word = Doubt{rows_.lines().line_number(), wrong};
    reading.column.values.push_back(kMissing);
    return {};
  }

  // How a word that stands for no value is said, unless it is more than that.
  static std::string nodata_hint(std::string_view text) {
    const bool plain = std::all_of(text.begin(), text.end(),
                                   [](char c) { return c > ' ' && c <= '~' && c != ','; });
    if (!plain || text.size() > kLongestNodata) return {};
    return "; nodata=" + std::string(text) + " takes it for a missing value";
  }

  std::string number_hint(const ShapeColumn& column, std::string_view text,
                          NumberFault fault) const {
    if (fault != NumberFault::not_a_number) return {};
    const char mark = column.decimal == '.' ? ',' : '.';
    const bool other = parse_cell(text, mark).fault == NumberFault::none;
    if (looks_like_time(text)) {
      return "; time=" + printable(column.brief) + " takes the column for the time";
    }
    if (!other) {
      const std::string_view odd = what_is_odd(text);
      return odd.empty() ? "" : "; " + std::string(odd) + "; columns= names others to read";
    }
    return mark_hint(numbers_with(column.decimal), numbers_with(mark));
  }

  // The first number whose mark may be of thousands, and the first whose mark cannot.
  struct Marked {
    std::string grouped, decimal;
  };

  // In the columns that are read, from the first row on.
  Marked numbers_with(char mark) const {
    Marked found;
    for (Rows rows(shape_, options_.shape.dates); found.decimal.empty() && rows.next();) {
      auto fields = rows.fields();
      if (!fields) continue;
      for (std::size_t i = 0; i < readings_.size(); ++i) {
        const std::string_view text = Rows::text_of(**fields, i);
        const Role role = readings_[i].role;
        if (role == Role::time || role == Role::unused) continue;
        if (text.find(mark) == std::string_view::npos) continue;
        if (parse_cell(text, mark).fault != NumberFault::none) continue;
        std::string& first = may_be_thousands(text, mark) ? found.grouped : found.decimal;
        if (first.empty()) first = text;
      }
    }
    return found;
  }

  // How numbers are read that only the other mark makes some, unless that would refuse those that
  // `read` holds, or take marks between thousands for decimal ones.
  static std::string mark_hint(const Marked& read, const Marked& refused) {
    const bool comma = (refused.decimal + refused.grouped).find(',') != std::string::npos;
    const std::string other = std::string("; decimal=") + (comma ? "comma" : "point");
    if (read.decimal.empty() && read.grouped.empty()) {
      if (!refused.decimal.empty()) return other + " reads it";
      if (comma) return "; it may be a decimal comma, which decimal=comma says, or of thousands";
    }
    if (!read.decimal.empty() && !refused.decimal.empty()) {
      return other + " would refuse others, such as " + printable(read.decimal) +
             "; columns= names those to read";
    }
    const bool those_read = read.decimal.empty() && !read.grouped.empty();
    return "; marks between thousands, as " + (those_read ? read.grouped : refused.grouped) +
           " would have one, are not read; columns= names others to read";
  }

  Result<Table> finish() {
    if (count_ == 0) return no_rows();
    if (std::optional<Error> error = never_there()) return *error;
    if (std::optional<Error> error = first_doubt()) return *error;
    for (Reading& reading : readings_) {
      if (reading.numbers == 0) reading.role = Role::unused;
    }
    settle_missing();
    Table table;
    table.rows = count_;
    for (std::size_t i : wanted_) table.features.push_back(std::move(readings_[i].column));
    for (Reading& reading : readings_) {
      if (reading.role == Role::label) table.labels.push_back(std::move(reading.column));
      if (reading.role == Role::measurement && !reading.wanted) {
        table.features.push_back(std::move(reading.column));
      }
    }
    if (table.features.empty()) {
      return fail(
          Code::invalid_argument,
          error_place(shape_.skipped + 1, 0) +
              ": no column holds measurements, only time stamps, record counters and labels" +
              nameless_hint());
    }
    if (count_ > 0) return table;
    return fail(Code::invalid_argument,
                "every row lacks a value; name the columns to use, or see what 'spillway kind "
                "inspect' says of it");
  }

  Error no_rows() const {
    const std::size_t cut = rows_.cut_line();
    if (cut == 0) return fail(Code::invalid_argument, "the CSV has a header but no rows");
    return fail(Code::invalid_argument,
                error_place(cut, 0) + ": the only row is cut off; no line break follows it");
  }

  std::string nameless_hint() const {
    const auto nameless =
        std::find_if(shape_.columns.begin(), shape_.columns.end(), [](const ShapeColumn& column) {
          return column.nameless && column.role == Role::measurement;
        });
    if (nameless == shape_.columns.end()) return {};
    return "; one without a name is read when it is named as '" + nameless->name + "'";
  }

  // A column that only the header has makes the header doubtful.
  std::optional<Error> never_there() const {
    for (std::size_t i = 0; i < readings_.size(); ++i) {
      const Reading& reading = readings_[i];
      if (reading.absent < count_ || reading.role != Role::measurement) continue;
      return fail(Code::invalid_argument,
                  error_place(reading.missing->line, i + 1) + ": no row has column '" +
                      printable(reading.column.name) +
                      "'; if the names stand further down, skip= leads there, else columns= names "
                      "those to read");
    }
    return std::nullopt;
  }

  // The first doubt put off while reading that counts: a column without any number is left out,
  // unless it was asked for or nothing would be left.
  std::optional<Error> first_doubt() const {
    const bool any = std::any_of(readings_.begin(), readings_.end(), [](const Reading& reading) {
      return reading.role == Role::measurement && reading.numbers > 0;
    });
    const Doubt* first = nullptr;
    for (const Reading& reading : readings_) {
      const bool counts = reading.numbers > 0 || reading.wanted || !any;
      const bool tolerated = options_.missing != Missing::error && reading.numbers > 0;
      for (const std::optional<Doubt>* doubt : {&reading.missing, &reading.word}) {
        if (!counts || !*doubt || (tolerated && doubt == &reading.missing)) continue;
        if (first == nullptr || (*doubt)->line < first->line) first = &**doubt;
      }
    }
    return first != nullptr ? std::optional<Error>(first->error) : std::nullopt;
  }

  // Holds or leaves out. A row before the first value of a column has nothing to hold.
  void settle_missing() {
    std::vector<char> out(count_);
    bool any = std::find(timeless_.begin(), timeless_.end(), 1) != timeless_.end() &&
               std::find(timeless_.begin(), timeless_.end(), 0) != timeless_.end();
    if (any) out = timeless_;
    for (Reading& reading : readings_) {
      if (reading.role == Role::unused || reading.role == Role::time || !reading.missing) continue;
      any = true;
      double last = kMissing;
      for (std::size_t row = 0; row < count_; ++row) {
        double& value = reading.column.values[row];
        if (std::isnan(value) && options_.missing == Missing::hold) value = last;
        last = value;
        if (std::isnan(value)) out[row] = 1;
      }
    }
    if (!any) return;
    for (Reading& reading : readings_) {
      std::vector<double>& values = reading.column.values;
      if (values.size() != count_) continue;
      std::size_t kept = 0;
      for (std::size_t row = 0; row < count_; ++row) {
        if (!out[row]) values[kept++] = values[row];
      }
      values.resize(kept);
    }
    count_ = static_cast<std::size_t>(std::count(out.begin(), out.end(), 0));
  }

  Rows rows_;
  Shape shape_;
  TableOptions options_;
  NoData nodata_;
  std::vector<Reading> readings_;
  std::vector<std::size_t> wanted_;
  std::vector<char> timeless_;  // a row, where those without a time are left out
  std::size_t count_ = 0;
};

}  // namespace

TableOptions read_table_options(ArgReader& args) {
  TableOptions options;
  const std::string_view missing = args.choice("missing", {"error", "skip", "hold"});
  options.missing = missing == "skip"   ? Missing::skip
                    : missing == "hold" ? Missing::hold
                                        : Missing::error;
  options.nodata = args.texts("nodata");
  const std::string_view delimiter =
      args.choice("delimiter", {"auto", "comma", "semicolon", "tab", "blank"});
  if (delimiter == "comma") options.shape.delimiter = ',';
  if (delimiter == "semicolon") options.shape.delimiter = ';';
  if (delimiter == "tab") options.shape.delimiter = '\t';
  if (delimiter == "blank") options.shape.delimiter = ' ';
  const std::string_view decimal = args.choice("decimal", {"auto", "point", "comma"});
  if (decimal == "point") options.shape.decimal = '.';
  if (decimal == "comma") options.shape.decimal = ',';
  options.shape.skip = args.optional_count("skip", 0, 1000);
  options.shape.header = args.optional_count("header", 0, 16);
  options.shape.time = args.text("time");
  const std::string_view dates = args.choice("dates", {"auto", "day-first", "month-first"});
  if (dates == "day-first") options.shape.dates = DateOrder::day_first;
  if (dates == "month-first") options.shape.dates = DateOrder::month_first;
  return options;
}

const Column* Table::label(std::string_view name) const {
  for (const Column& column : labels) {
    if (lower(column.name) == name) return &column;
  }
  return nullptr;
}

Result<Table> read_table(ByteView text, const TableOptions& options, const std::stop_token& stop) {
  Result<Shape> shape = find_shape(as_text(text), options.shape);
  if (!shape) return shape.error();
  const std::size_t names = shape->skipped + 1;
  Result<Table> table = TableReader(std::move(*shape), options).read(stop);
  if (table || options.shape.skip) return table;
  return with_likely_names(table.error(), as_text(text), names);
}

Result<Table> read_table(KindContext& context, const TableOptions& options) {
  const ByteView text = context.input();
  if (const std::size_t parts = text.size() / kPartBytes; parts > 1) {
    Result<Shape> shape = find_shape(as_text(text), options.shape);
    if (!shape) return shape.error();
    Result<Table> table = TableReader(std::move(*shape), options).read_parts(context, parts);
    if (table) return table;
  }
  return read_table(text, options, context.stop());
}

}  // namespace spillway::kinds
