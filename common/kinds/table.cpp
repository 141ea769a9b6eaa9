#include "common/kinds/table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <set>
#include <utility>

#include "common/kinds/format.h"
#include "common/kinds/nearest.h"
#include "common/kinds/stopped.h"

namespace spillway::kinds {
namespace {

constexpr std::size_t kMostColumns = 4096;
constexpr std::size_t kLongestField = 1024;
constexpr double kLargestValue = 1e100;  // its square, summed over any input, is still finite
constexpr std::size_t kRowsBetweenStopChecks = 4096;
constexpr std::size_t kPartBytes = 128 * 1024;

enum class Role : std::uint8_t { feature, label, skipped };

struct Field {
  std::string_view text;  // without quotes and blanks around it
  bool doubled = false;   // holds "" for "
};

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

// Walks lines and fields, and knows where it is for the sake of errors.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {
    if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
  }

  std::string_view rest() const { return rest_; }
  void go_on_with(std::string_view text) { rest_ = text; }

  // False at the end. Blank lines at the very end are no lines.
  bool next_line() {
    if (rest_.find_first_not_of(" \t\r\n") == std::string_view::npos) return false;
    std::size_t end = rest_.find('\n');
    line_ = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    ++line_number_;
    return true;
  }

  void detect_delimiter() {
    bool quoted = false;
    std::ptrdiff_t balance = 0;
    for (char c : line_) {
      if (c == '"') quoted = !quoted;
      if (!quoted) balance += c == ';' ? 1 : c == ',' ? -1 : 0;
    }
    delimiter_ = balance > 0 ? ';' : ',';
  }

  // The fields of the line, valid until the next call.
  Result<const std::vector<Field>*> fields() {
    fields_.clear();
    if (line_.find('\0') != std::string_view::npos) return wrong(0, "holds a NUL byte");
    std::string_view left = line_;
    for (bool more = true; more;) {
      if (fields_.size() == kMostColumns) return wrong(0, "has more than 4096 columns");
      auto end = field_end(left);
      if (!end) return end.error();
      more = *end < left.size();
      Result<Field> field = unquote(trim(left.substr(0, *end)));
      if (!field) return field.error();
      fields_.push_back(*field);
      left.remove_prefix(std::min(*end + 1, left.size()));
    }
    return &fields_;
  }

  // Column counts from 1; 0 blames the line as a whole.
  Error wrong(std::size_t column, const std::string& what) const {
    std::string place = "line " + std::to_string(line_number_);
    if (column > 0) place += ", column " + std::to_string(column);
    return fail(Code::invalid_argument, place + ": " + what);
  }

 private:
  Result<std::size_t> field_end(std::string_view left) const {
    bool quoted = false;
    std::size_t end = 0;
    if (!left.empty() && std::memchr(left.data(), '"', left.size()) == nullptr) {
      end = std::min(left.find(delimiter_), left.size());
    } else {
      for (; end < left.size() && (quoted || left[end] != delimiter_); ++end) {
        if (left[end] == '"') quoted = !quoted;
      }
    }
    if (quoted) return wrong(fields_.size() + 1, "a quote is never closed");
    if (end <= kLongestField) return end;
    return wrong(fields_.size() + 1,
                 "a field of " + std::to_string(end) + " bytes; at most 1024 are allowed");
  }

  Result<Field> unquote(std::string_view text) const {
    if (text.find('"') == std::string_view::npos) return Field{text};
    if (text.size() < 2 || text.front() != '"' || text.back() != '"') {
      return wrong(fields_.size() + 1, "a quote in the middle of '" + printable(text) + "'");
    }
    Field field{text.substr(1, text.size() - 2)};
    field.doubled = field.text.find('"') != std::string_view::npos;
    return field;
  }

  std::string_view rest_;
  std::string_view line_;
  std::size_t line_number_ = 0;
  char delimiter_ = ',';
  std::vector<Field> fields_;
};

std::string name_of(const Field& field, std::size_t column) {
  if (field.text.empty()) return "column " + std::to_string(column);
  std::string name(field.text);
  for (std::size_t at = 0; field.doubled && (at = name.find("\"\"", at)) != std::string::npos;) {
    name.erase(at++, 1);
  }
  return name;
}

// Whether text is like 2020-02-08 or 13:30:47, which no number is.
bool looks_like_time(std::string_view text) {
  return text.size() >= 5 && text[0] >= '0' && text[0] <= '9' &&
         (text.find('-', 1) == 4 || text.find(':') != std::string_view::npos);
}

Role role_of(const std::string& name) {
  std::string word = lower(name);
  if (word == "anomaly" || word == "changepoint") return Role::label;
  bool time = word == "time" || word == "timestamp" || word == "datetime" || word == "date";
  return time ? Role::skipped : Role::feature;
}

Result<double> parse_number(const Scanner& scanner, std::size_t column, const std::string& name,
                            std::string_view text) {
  auto where = [&] { return " (column '" + printable(name) + "')"; };
  if (text.empty()) return scanner.wrong(column, "the value is missing" + where());
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) {
    return scanner.wrong(column, "'" + printable(text) + "' is out of range" + where());
  }
  if (error != std::errc{} || end != text.data() + text.size()) {
    return scanner.wrong(column, "'" + printable(text) + "' is not a number" + where());
  }
  if (!std::isfinite(value)) {
    return scanner.wrong(column, "'" + printable(text) + "' is not a finite number" + where());
  }
  if (std::abs(value) <= kLargestValue) return value;
  return scanner.wrong(column, "'" + printable(text) + "' is beyond 1e100" + where());
}

// Collects the columns of one table.
class TableReader {
 public:
  explicit TableReader(std::string_view text) : scanner_(text) {}

  Result<Table> read(const std::stop_token& stop) {
    if (Status status = read_header(); !status) return status.error();
    if (Status status = read_rows(stop); !status) return status.error();
    if (rows_ == 0) return fail(Code::invalid_argument, "the CSV has a header but no rows");
    return finish();
  }

  // In so many parts, which depend on the text alone. An error says that one is to be found, not
  // which: what is wrong first shows only to those who read in order.
  Result<Table> read_parts(KindContext& context, std::size_t count) {
    if (Status status = read_header(); !status) return status.error();
    if (scanner_.next_line()) {
      if (Status status = read_row(); !status) return status.error();
    }
    std::vector<TableReader> parts = cut(count);
    std::vector<char> good(parts.size());
    const std::stop_token stop = context.stop();
    context.parallel_for(parts.size(), [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        good[i] = parts[i].read_rows(stop).ok() && parts[i].scanner_.rest().empty();
      }
    });
    if (std::find(good.begin(), good.end(), 0) != good.end()) {
      return fail(Code::invalid_argument, "a part is not as it should be");
    }
    for (const TableReader& part : parts) append(part);
    if (rows_ == 0) return fail(Code::invalid_argument, "the CSV has a header but no rows");
    return finish();
  }

 private:
  // The rows that are left, for readers that know the columns and the look of the first row.
  std::vector<TableReader> cut(std::size_t count) const {
    TableReader empty(*this);
    for (Column& column : empty.columns_) column.values.clear();
    empty.rows_ = 0;
    empty.first_row_seen_ = true;
    std::vector<TableReader> parts(count, empty);
    std::string_view rest = scanner_.rest();
    for (std::size_t i = 0; i < count; ++i) {
      std::size_t size = rest.size() / (count - i);
      size = std::min(rest.find('\n', size), rest.size() - 1) + 1;
      if (rest.empty() || i + 1 == count) size = rest.size();
      parts[i].scanner_.go_on_with(rest.substr(0, size));
      rest.remove_prefix(size);
    }
    return parts;
  }

  void append(const TableReader& part) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::vector<double>& values = part.columns_[i].values;
      columns_[i].values.insert(columns_[i].values.end(), values.begin(), values.end());
    }
    rows_ += part.rows_;
  }

  Status read_rows(const std::stop_token& stop) {
    while (scanner_.next_line()) {
      if (rows_ % kRowsBetweenStopChecks == 0 && stop.stop_requested()) return stopped();
      if (Status status = read_row(); !status) return status;
    }
    return {};
  }

  Status read_header() {
    if (!scanner_.next_line()) {
      return fail(Code::invalid_argument, "the input is empty; a CSV with a header is wanted");
    }
    scanner_.detect_delimiter();
    auto fields = scanner_.fields();
    if (!fields) return fields.error();
    std::set<std::string> seen;
    for (std::size_t i = 0; i < (*fields)->size(); ++i) {
      if (Status status = add_column((**fields)[i], seen); !status) return status;
    }
    return {};
  }

  Status add_column(const Field& field, std::set<std::string>& seen) {
    std::size_t column = columns_.size() + 1;
    double number = 0;
    std::string_view text = field.text;
    auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size()) {
      return scanner_.wrong(
          column, "'" + printable(text) + "' is a number; the first line must name the columns");
    }
    std::string name = name_of(field, column);
    if (!seen.insert(name).second) {
      return scanner_.wrong(column, "a second column named '" + printable(name) + "'");
    }
    roles_.push_back(role_of(name));
    columns_.push_back({std::move(name), {}});
    return {};
  }

  Status read_row() {
    auto fields = scanner_.fields();
    if (!fields) return fields.error();
    if ((*fields)->size() != columns_.size()) {
      return scanner_.wrong(0, std::to_string((*fields)->size()) + " fields where the header has " +
                                   std::to_string(columns_.size()) + "; the row is cut or ragged");
    }
    const bool first = !std::exchange(first_row_seen_, true);
    if (first && roles_[0] == Role::feature && looks_like_time((*fields)->front().text)) {
      roles_[0] = Role::skipped;
    }
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (Status status = add_value(i, (**fields)[i].text); !status) return status;
    }
    ++rows_;
    return {};
  }

  Status add_value(std::size_t i, std::string_view text) {
    if (roles_[i] == Role::skipped) return {};
    Result<double> value = parse_number(scanner_, i + 1, columns_[i].name, text);
    if (!value) return value.error();
    if (roles_[i] == Role::label && *value != 0 && *value != 1) {
      return scanner_.wrong(i + 1, "'" + printable(text) + "' is not a label; only 0 and 1 are");
    }
    columns_[i].values.push_back(*value);
    return {};
  }

  Result<Table> finish() {
    Table table;
    table.rows = rows_;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (roles_[i] == Role::feature) table.features.push_back(std::move(columns_[i]));
      if (roles_[i] == Role::label) table.labels.push_back(std::move(columns_[i]));
    }
    if (!table.features.empty()) return table;
    return fail(Code::invalid_argument,
                "line 1: no column holds measurements, only time stamps and labels");
  }

  Scanner scanner_;
  std::vector<Column> columns_;
  std::vector<Role> roles_;
  std::size_t rows_ = 0;
  bool first_row_seen_ = false;
};

}  // namespace

const Column* Table::label(std::string_view name) const {
  for (const Column& column : labels) {
    if (lower(column.name) == name) return &column;
  }
  return nullptr;
}

Result<Table> read_table(ByteView text, const std::stop_token& stop) {
  return TableReader(as_text(text)).read(stop);
}

Result<Table> read_table(KindContext& context) {
  const ByteView text = context.input();
  if (const std::size_t parts = text.size() / kPartBytes; parts > 1) {
    Result<Table> table = TableReader(as_text(text)).read_parts(context, parts);
    if (table) return table;
  }
  return read_table(text, context.stop());
}

Status select_features(Table& table, const std::vector<std::string>& names) {
  if (names.empty()) return {};
  std::vector<std::string_view> known;
  for (const Column& column : table.features) known.push_back(column.name);
  std::vector<std::size_t> picked;
  for (const std::string& name : names) {
    auto found = std::find(known.begin(), known.end(), name);
    auto at = static_cast<std::size_t>(found - known.begin());
    if (found == known.end()) {
      return fail(Code::invalid_argument, "there is no measurement column '" + printable(name) +
                                              "'" + did_you_mean(name, known));
    }
    if (std::find(picked.begin(), picked.end(), at) != picked.end()) {
      return fail(Code::invalid_argument, "column '" + printable(name) + "' is named twice");
    }
    picked.push_back(at);
  }
  std::vector<Column> kept;
  kept.reserve(picked.size());
  for (std::size_t at : picked) kept.push_back(std::move(table.features[at]));
  table.features = std::move(kept);
  return {};
}

}  // namespace spillway::kinds
