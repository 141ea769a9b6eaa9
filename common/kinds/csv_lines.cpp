#include "common/kinds/csv_lines.h"

#include <algorithm>
#include <cstring>

#include "common/kinds/csv_time.h"
#include "common/kinds/format.h"

namespace spillway::kinds {
namespace {

constexpr std::size_t kMostColumns = 4096;
constexpr std::size_t kLongestField = 1024;

bool is_blank(char c) { return c == ' ' || c == '\t'; }

}  // namespace

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string error_place(std::size_t line, std::size_t column) {
  std::string place = "line " + std::to_string(line);
  if (column > 0) place += ", column " + std::to_string(column);
  return place;
}

std::size_t count_outside_quotes(std::string_view line, char c) {
  bool quoted = false;
  std::size_t count = 0;
  for (char at : line) {
    if (at == '"') quoted = !quoted;
    count += !quoted && at == c;
  }
  return count;
}

Campbell campbell_title(std::string_view line) {
  if (line.starts_with('"')) line.remove_prefix(1);
  const std::string_view format = line.substr(0, line.find_first_of("\","));
  if (format.size() == line.size()) return Campbell::no;
  return format == "TOA5" ? Campbell::toa5 : format == "TOACI1" ? Campbell::toaci1 : Campbell::no;
}

Lines::Lines(std::string_view text) : rest_(text) {}

void Lines::begin_rows(std::vector<std::string_view> header, std::size_t names) {
  header_ = std::move(header);
  names_ = names;
  const char nothing[] = {' ', '\t', '\r', '\n', delimiter_};
  const std::size_t last = rest_.find_last_not_of(std::string_view(nothing, sizeof nothing));
  if (last == std::string_view::npos) {
    rest_ = {};
  } else {
    const std::size_t end = rest_.find('\n', last);
    if (end != std::string_view::npos) rest_ = rest_.substr(0, end + 1);
  }
}

bool Lines::pass_line() {
  if (rest_.empty()) return false;
  const std::size_t end = rest_.find('\n');
  line_ = rest_.substr(0, end);
  ended_ = end != std::string_view::npos;
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  if (line_.ends_with('\r')) line_.remove_suffix(1);
  if (line_.starts_with("\xef\xbb\xbf")) line_.remove_prefix(3);
  ++line_number_;
  return true;
}

bool Lines::next_line() {
  while (pass_line()) {
    if (line_.find_first_not_of(" \t\r") == std::string_view::npos) {
      ++blank_lines_;
    } else if (header_.empty() || !repeats_header()) {
      return true;
    }
  }
  return false;
}

// Whether the header stands here again, and if so passes it.
bool Lines::repeats_header() {
  for (const std::size_t from : {std::size_t{0}, names_}) {
    const Campbell title = campbell_title(header_[from]);
    const bool again =
        line_ == header_[from] || (title != Campbell::no && title == campbell_title(line_));
    if (!again) continue;
    Lines ahead(rest_);
    std::size_t same = from + 1;
    while (same < header_.size() && ahead.next_line() && ahead.line_ == header_[same]) ++same;
    if (same < header_.size()) continue;
    rest_ = ahead.rest_;
    line_number_ += ahead.line_number_;
    ++repeated_headers_;
    return true;
  }
  return false;
}

void Lines::skip_blanks(std::string_view& left) const {
  while (delimiter_ == ' ' && !left.empty() && is_blank(left.front())) left.remove_prefix(1);
}

Result<const std::vector<Field>*> Lines::fields() {
  fields_.clear();
  if (line_.find('\0') != std::string_view::npos) return wrong(0, "holds a NUL byte");
  std::string_view left = delimiter_ == ' ' ? trim(line_) : line_;
  for (bool more = true; more;) {
    if (fields_.size() == kMostColumns) return wrong(0, "has more than 4096 columns");
    auto end = field_end(left);
    if (!end) return end.error();
    more = *end < left.size();
    Result<Field> field = unquote(trim(left.substr(0, *end)));
    if (!field) return field.error();
    fields_.push_back(*field);
    if (join_times_) join_last_two();
    left.remove_prefix(std::min(*end + 1, left.size()));
    skip_blanks(left);
  }
  return &fields_;
}

void Lines::join_last_two() {
  if (fields_.size() < 2) return;
  const std::string_view date = fields_[fields_.size() - 2].text, clock = fields_.back().text;
  if (!is_date(date) || !is_clock(clock)) return;
  fields_.pop_back();
  fields_.back().text = std::string_view(
      date.data(), static_cast<std::size_t>(clock.data() + clock.size() - date.data()));
}

Error Lines::wrong(std::size_t column, const std::string& what) const {
  return fail(Code::invalid_argument, error_place(line_number_, column) + ": " + what);
}

Result<std::size_t> Lines::field_end(std::string_view left) const {
  bool quoted = false;
  std::size_t end = 0;
  const bool plain = delimiter_ != ' ' && !left.empty();
  if (plain && std::memchr(left.data(), '"', left.size()) == nullptr) {
    end = std::min(left.find(delimiter_), left.size());
  } else {
    auto ends = [this](char c) { return c == delimiter_ || (delimiter_ == ' ' && c == '\t'); };
    for (; end < left.size() && (quoted || !ends(left[end])); ++end) {
      if (left[end] == '"') quoted = !quoted;
    }
  }
  if (quoted) return wrong(fields_.size() + 1, "a quote is never closed");
  if (end <= kLongestField) return end;
  return wrong(fields_.size() + 1,
               "a field of " + std::to_string(end) + " bytes; at most 1024 are allowed");
}

Result<Field> Lines::unquote(std::string_view text) const {
  if (text.find('"') == std::string_view::npos) return Field{text};
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') {
    return wrong(fields_.size() + 1, "a quote in the middle of '" + printable(text) + "'");
  }
  Field field{text.substr(1, text.size() - 2)};
  field.doubled = field.text.find('"') != std::string_view::npos;
  return field;
}

}  // namespace spillway::kinds
