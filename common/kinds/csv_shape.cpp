#include "common/kinds/csv_shape.h"

#include <algorithm>
#include <map>

#include "common/kinds/csv_cells.h"
#include "common/kinds/csv_names.h"
#include "common/kinds/format.h"
#include "common/kinds/nearest.h"

namespace spillway::kinds {
namespace {

constexpr std::size_t kMostTitles = 32;
constexpr std::size_t kMostExtraHeaders = 3;
constexpr std::size_t kRowsLookedAt = 200;
constexpr std::size_t kMostRowsOfOnce = 3;
constexpr std::size_t kLongestRepeatedHeader = kMostTitles + 1 + kMostExtraHeaders;

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

// Splits at blanks and tabs, as a line that they delimit is.
template <class Each>
void for_each_word(std::string_view line, Each each) {
  for (line = trim(line); !line.empty(); line = trim(line)) {
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    each(line.substr(0, end));
    line.remove_prefix(end);
  }
}

// Whether commas stand in numbers alone, of several words.
bool holds_decimal_commas(std::string_view line) {
  bool all = words(line) > 1;
  for_each_word(line, [&](std::string_view word) {
    all = all && (word.find(',') == std::string_view::npos || has_decimal_comma(word));
  });
  return all;
}

bool is_delimited(std::string_view line) {
  return (count_outside_quotes(line, ',') > 0 && !holds_decimal_commas(line)) ||
         count_outside_quotes(line, ';') + count_outside_quotes(line, '\t') > 0;
}

// Date and time of day, which blanks delimit like all else.
bool holds_time_in_two_words(std::string_view line) {
  bool found = false;
  std::string_view before;
  for_each_word(line, [&](std::string_view word) {
    found = found || (is_date(before) && is_clock(word));
    before = word;
  });
  return found;
}

bool blanks_delimit(std::string_view names, std::string_view next) {
  if (is_delimited(names) || is_delimited(next) || words(names) < 2) return false;
  if (names.find('"') != std::string_view::npos) return false;
  return words(next) == words(names) ||
         (words(next) == words(names) + 1 && holds_time_in_two_words(next));
}

// Where commas delimit, blanks such as tabs may pad.
bool pads_commas(std::string_view line) {
  return line.find(",\t") != std::string_view::npos || line.find("\t,") != std::string_view::npos;
}

class ShapeFinder {
 public:
  ShapeFinder(std::string_view text, const ShapeOptions& options)
      : options_(options), lines_(text) {}

  Result<Shape> find() {
    if (Status status = read_mark(); !status) return status.error();
    if (Status status = pass_titles(); !status) return status.error();
    if (Status status = read_names(); !status) return status.error();
    pass_extra_headers();
    begin_rows();
    look_at_rows();
    if (Status status = find_time(); !status) return status.error();
    if (shape_.time != Shape::kNone) shape_.dates_named = order_named(shape_.columns[shape_.time]);
    find_numbers_of_rows();
    tell_twins_apart();
    shape_.rows = lines_;
    return std::move(shape_);
  }

  // The line that was taken for the names', as far as find() came.
  std::size_t names_line() const { return shape_.skipped + 1; }

 private:
  // Reads what stands before the first line, or in it for a spreadsheet alone.
  Status read_mark() {
    const std::string_view text = lines_.rest();
    if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
      return fail(Code::invalid_argument, "the text is in UTF-16; save it as UTF-8");
    }
    if (text.find('\n') == std::string_view::npos && text.find('\r') < text.size() - 1) {
      return fail(Code::invalid_argument,
                  "the lines end in CR alone; save the text with LF or CRLF at their ends");
    }
    Lines ahead = lines_;
    if (!ahead.next_line()) {
      return fail(Code::invalid_argument, "the input is empty; a CSV with a header is wanted");
    }
    std::string_view line = ahead.line();
    if (line.starts_with('"') && line.ends_with('"')) line = line.substr(1, line.size() - 2);
    if (!line.starts_with("sep=") && !line.starts_with("SEP=")) return {};
    if (line.size() < 5 || std::string_view(",;\t ").find(line[4]) == std::string_view::npos) {
      return ahead.wrong(0, "'" + printable(line) +
                                "' names no delimiter that is known: comma, semicolon, tab, blank");
    }
    shape_.delimiter_said = true;
    said_ = options_.delimiter.value_or(line[4]);
    lines_ = ahead;
    return {};
  }

  Status pass_titles() {
    Lines ahead = lines_;
    if (options_.skip) {
      while (lines_.line_number() < *options_.skip) {
        if (lines_.pass_line()) {
          if (!trim(lines_.line()).empty()) header_.push_back(lines_.line());
          continue;
        }
        return fail(Code::invalid_argument, "arg skip: the input has no more than " +
                                                std::to_string(*options_.skip) + " lines");
      }
    } else if (ahead.next_line()) {
      for (std::size_t i = titles(ahead); i > 0; --i) pass_header_line();
    }
    return {};
  }

  // A line that is passed over where it comes again.
  bool pass_header_line() {
    if (!lines_.next_line()) return false;
    header_.push_back(lines_.line());
    return true;
  }

  // A line before the first row, be it a title or of the header.
  struct HeadLine {
    bool delimited = false;
    bool names_time = false;
    bool odd = false;  // a comment, or of little but empty fields
  };

  // How many of the lines from the first on, which `ahead` stands at, are titles.
  std::size_t titles(const Lines& ahead) {
    campbell_ = campbell_title(ahead.line());
    if (campbell_ != Campbell::no) return 1;
    bool blanks = true;  // nothing else delimits
    const std::vector<HeadLine> head = head_lines(ahead, blanks);
    auto plain = head.begin();
    if (!blanks) {
      plain = std::find_if(plain, head.end(), [](const HeadLine& line) { return line.delimited; });
    }
    if (plain == head.end()) return 0;
    auto names = plain;
    if (options_.header != 0) {
      names = std::find_if(plain, head.end(), [&](const HeadLine& line) {
        return line.names_time && (line.delimited || blanks);
      });
      if (names == head.end()) {
        names = std::find_if(plain, head.end(), [&](const HeadLine& line) {
          return !line.odd && (line.delimited || blanks);
        });
      }
      if (names == head.end()) names = plain;
    }
    shape_.names_guessed = names != plain;
    return static_cast<std::size_t>(names - head.begin());
  }

  // The lines before the first that holds a number or a time.
  std::vector<HeadLine> head_lines(Lines ahead, bool& blanks) const {
    std::vector<HeadLine> head;
    for (bool more = true; more && head.size() <= kMostTitles;) {
      const std::string_view line = ahead.line();
      const bool delimited = is_delimited(line);
      blanks = blanks && !delimited;
      Lines next = ahead;
      more = next.next_line();
      // The last line is its own next.
      ahead.set_delimiter(said_.value_or(find_delimiter(line, next.line())));
      auto fields = ahead.fields();
      if (!fields || (delimited ? holds_value(**fields) : is_row(trim(line), **fields))) break;
      head.push_back(head_line(line, **fields));
      ahead = std::move(next);
    }
    return head;
  }

  static bool is_value(std::string_view text) {
    return looks_like_number(text) || looks_like_time(text);
  }
  static bool holds_value(const std::vector<Field>& fields) {
    return std::any_of(fields.begin(), fields.end(),
                       [](const Field& f) { return is_value(f.text); });
  }

  // Whether a line that only blanks can delimit is a row: a title may hold a number among its
  // words.
  static bool is_row(std::string_view line, const std::vector<Field>& fields) {
    const auto values = std::count_if(fields.begin(), fields.end(),
                                      [](const Field& f) { return is_value(f.text); });
    return is_value(line) ||
           (is_value(fields[0].text) && 2 * static_cast<std::size_t>(values) > fields.size());
  }

  static HeadLine head_line(std::string_view line, const std::vector<Field>& fields) {
    HeadLine head;
    head.delimited = is_delimited(line);
    const auto empty = static_cast<std::size_t>(std::count_if(
        fields.begin(), fields.end(), [](const Field& field) { return field.text.empty(); }));
    const std::size_t filled = fields.size() - empty;
    const bool comment = fields[0].text.size() > 1 && fields[0].text[0] == '#';
    head.odd = comment || (fields.size() > 1 && (filled < 2 || filled < empty));
    head.names_time =
        fields.size() > 1 && !holds_value(fields) &&
        std::any_of(fields.begin(), fields.end(), [](const Field& f) { return names_time(f); });
    return head;
  }

  Status read_names() {
    Lines before = lines_;
    names_ = header_.size();
    if (!pass_header_line()) {
      return fail(Code::invalid_argument, "the CSV ends before the line that names the columns");
    }
    Lines next = lines_;
    const std::string_view after = next.next_line() ? next.line() : std::string_view();
    shape_.delimiter = said_.value_or(find_delimiter(lines_.line(), after));
    shape_.skipped = lines_.line_number() - 1;
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
    if (number && !options_.header) {
      return lines_.wrong(column, "'" + printable(written) +
                                      "' is a number, where this line is to name the columns; "
                                      "skip= passes over lines before the names, header=1 takes "
                                      "numbers for names, header=0 says that there are none");
    }
    shape_.columns.push_back(column_named(field, column));
    shape_.columns.back().nameless = field.text.empty() && options_.header != 0;
    if (!field.text.empty() || column == 1) shape_.least_fields = column;
    return {};
  }

  void pass_extra_headers() {
    std::size_t most = campbell_ == Campbell::toa5     ? 2
                       : campbell_ == Campbell::toaci1 ? 0
                                                       : kMostExtraHeaders;
    if (options_.header)
      most = static_cast<std::size_t>(std::max<std::uint64_t>(*options_.header, 1) - 1);
    for (std::size_t i = 0; i < most; ++i) {
      Lines ahead = lines_;
      if (!ahead.next_line()) return;
      auto fields = ahead.fields();
      if (!options_.header && (!fields || !is_header(**fields))) return;
      if (i == 0 && fields) take_units(**fields);
      lines_ = ahead;
      header_.push_back(lines_.line());
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

  void begin_rows() {
    if (shape_.header_lines == 0) header_.clear();
    if (header_.size() > kLongestRepeatedHeader) {
      header_.erase(header_.begin(), header_.begin() + static_cast<std::ptrdiff_t>(names_));
      names_ = 0;
    }
    lines_.begin_rows(header_, names_);
    Lines ahead = lines_;
    if (shape_.delimiter != ' ' || !ahead.next_line()) return;
    lines_.join_times(words(ahead.line()) == shape_.columns.size() + 1 &&
                      holds_time_in_two_words(ahead.line()));
  }

  void look_at_rows() {
    looks_.resize(shape_.columns.size());
    std::vector<std::size_t> sizes;
    Lines ahead = lines_;
    for (std::size_t row = 0; row < kRowsLookedAt && ahead.next_line(); ++row) {
      auto fields = ahead.fields();
      if (!fields || (!ahead.ended() && (*fields)->size() < shape_.least_fields)) break;
      sizes.push_back((*fields)->size());
      for (std::size_t i = 0; i < std::min((*fields)->size(), looks_.size()); ++i) {
        const bool may_be_cut = !ahead.ended() && i + 1 == (*fields)->size();
        // Half a time may be a number.
        if (!may_be_cut || !looks_[i].time()) looks_[i].add(trim((**fields)[i].text));
      }
    }
    for (std::size_t i = 0; i < looks_.size(); ++i) {
      ShapeColumn& column = shape_.columns[i];
      const bool named = shape_.header_lines > 0;
      if (named && looks_[i].counts(column, i + 1)) column.role = Role::counter;
      const bool unix_time = looks_[i].unix_times() && may_be_unix_time(column);
      if (column.role != Role::measurement || (!looks_[i].time() && !unix_time)) continue;
      column.role = Role::time;
    }
    find_decimals();
    find_usual(sizes);
    for (std::size_t i = 0; i < looks_.size(); ++i) {
      if (is_once(sizes, i) && shape_.columns[i].role == Role::measurement) {
        shape_.columns[i].role = Role::once;
      }
    }
  }

  // Finds how many fields most rows have, by the sizes of those looked at.
  void find_usual(const std::vector<std::size_t>& sizes) {
    shape_.usual_fields = shape_.least_fields;
    std::ptrdiff_t most = 0;
    for (const std::size_t size : sizes) {
      const std::ptrdiff_t count = std::count(sizes.begin(), sizes.end(), size);
      if (count < most || (count == most && size < shape_.usual_fields)) continue;
      most = count;
      shape_.usual_fields = std::min(size, shape_.least_fields);
    }
  }

  static bool is_once(const std::vector<std::size_t>& sizes, std::size_t column) {
    const auto has = [column](std::size_t size) { return size > column; };
    const auto end = std::find_if_not(sizes.begin(), sizes.end(), has);
    const auto with = static_cast<std::size_t>(end - sizes.begin());
    return with >= 1 && with <= kMostRowsOfOnce && sizes.size() >= with + kMostRowsOfOnce &&
           std::none_of(end, sizes.end(), has);
  }

  void find_decimals() {
    bool comma = false, point = false;
    for (std::size_t i = 0; i < looks_.size(); ++i) {
      if (shape_.columns[i].role == Role::time) continue;
      comma = comma || looks_[i].comma();
      point = point || looks_[i].point();
    }
    const bool quoted = shape_.delimiter == ',';
    if (comma && !point && !quoted) shape_.decimal = ',';
    if (options_.decimal) shape_.decimal = *options_.decimal;
    for (std::size_t i = 0; i < looks_.size(); ++i) {
      ShapeColumn& column = shape_.columns[i];
      column.decimal = shape_.decimal;
      if (options_.decimal || !looks_[i].comma() || looks_[i].point()) continue;
      column.thousands = looks_[i].thousands();
      if (quoted && column.thousands.empty()) column.decimal = ',';
    }
  }

  // The first that looks like one, but rather one that has the name or holds a time that exists: an
  // address such as 00:1A:2B or a version 1.2.3 but looks so.
  std::size_t time_seen() const {
    std::size_t seen = Shape::kNone;
    for (std::size_t i = 0; i < shape_.columns.size(); ++i) {
      const ShapeColumn& column = shape_.columns[i];
      if (column.role != Role::time || is_duration(column)) continue;
      if (looks_[i].known_time() || is_time_name(column)) return i;
      seen = std::min(seen, i);
    }
    return seen;
  }

  Status find_time() {
    const std::size_t seen = time_seen();
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < shape_.columns.size(); ++i) {
      ShapeColumn& column = shape_.columns[i];
      names.push_back(column.name);
      const bool named = column.name == options_.time || column.brief == options_.time;
      if (options_.time.empty() ? i != seen : !named) continue;
      column.role = Role::time;
      shape_.time = i;
      if (options_.time.empty()) join_clock();
      join_half();
      return {};
    }
    if (options_.time.empty()) return {};
    return fail(Code::invalid_argument, "arg time: there is no column '" +
                                            printable(options_.time) + "'" +
                                            did_you_mean(options_.time, names));
  }

  // A counter that only its place and its values tell, for it has the logger's name.
  void find_numbers_of_rows() {
    if (shape_.time != 1 || !looks_[0].numbers_rows()) return;
    if (shape_.header_lines == 0 || shape_.columns[0].role != Role::measurement) return;
    const bool others = std::any_of(shape_.columns.begin() + 2, shape_.columns.end(),
                                    [](const ShapeColumn& column) {
                                      return column.role == Role::measurement && !column.nameless;
                                    });
    if (others) shape_.columns[0].role = Role::counter;
  }

  void tell_twins_apart() {
    const auto may_be_read = [](const ShapeColumn& column) {
      return column.role != Role::time && column.role != Role::label;
    };
    std::map<std::string, std::size_t> count;
    for (const ShapeColumn& column : shape_.columns) count[column.name] += may_be_read(column);
    for (std::size_t i = 0; i < shape_.columns.size(); ++i) {
      ShapeColumn& column = shape_.columns[i];
      if (!may_be_read(column) || count[column.name] < 2) continue;
      column.shared = column.name;
      column.name += " (column " + std::to_string(i + 1) + ")";
    }
  }

  // Date and time of day in two columns, side by side and each the only one of its look.
  void join_clock() {
    std::size_t dates = 0, clocks = 0, date = 0, clock = 0;
    for (std::size_t i = 0; i < looks_.size(); ++i) {
      if (looks_[i].date_alone()) date = i, ++dates;
      if (looks_[i].clock_alone()) clock = i, ++clocks;
    }
    if (dates != 1 || clocks != 1 || (date + 1 != clock && clock + 1 != date)) return;
    if (shape_.time != date && shape_.time != clock) return;
    shape_.time = date;
    shape_.clock = clock;
  }

  // AM and PM in a column of their own, the only one.
  void join_half() {
    const std::size_t clock = shape_.clock != Shape::kNone ? shape_.clock : shape_.time;
    if (!looks_[clock].lacks_halves()) return;
    const auto halves = [](const ColumnLook& look) { return look.halves(); };
    const auto half = std::find_if(looks_.begin(), looks_.end(), halves);
    if (half == looks_.end() || std::find_if(half + 1, looks_.end(), halves) != looks_.end())
      return;
    shape_.half = static_cast<std::size_t>(half - looks_.begin());
    shape_.columns[shape_.half].role = Role::time;
  }

  const ShapeOptions& options_;
  std::optional<char> said_ = options_.delimiter;
  Lines lines_;
  Shape shape_;
  std::vector<std::string_view> header_;
  std::size_t names_ = 0;  // which of these gives the names
  std::vector<ColumnLook> looks_;
  Campbell campbell_ = Campbell::no;
};

}  // namespace

char find_delimiter(std::string_view names, std::string_view next) {
  if (blanks_delimit(names, next)) return ' ';
  const std::size_t semicolons = count_outside_quotes(names, ';');
  const std::size_t commas = count_outside_quotes(names, ',');
  const std::size_t tabs = count_outside_quotes(names, '\t');
  if (semicolons > commas) return ';';
  if (semicolons > 0 && semicolons == count_outside_quotes(next, ';')) return ';';
  const bool as_many_tabs = tabs > 0 && tabs == count_outside_quotes(next, '\t');
  const bool commas_delimit = commas >= tabs && count_outside_quotes(next, ',') > 0;
  const bool padded = pads_commas(names) || pads_commas(next);
  return as_many_tabs && !(commas_delimit && padded) ? '\t' : ',';
}

Result<Shape> find_shape(std::string_view text, const ShapeOptions& options) {
  ShapeFinder finder(text, options);
  Result<Shape> shape = finder.find();
  if (shape || options.skip) return shape;
  return with_likely_names(shape.error(), text, finder.names_line());
}

}  // namespace spillway::kinds
