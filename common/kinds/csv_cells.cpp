#include "common/kinds/csv_cells.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace spillway::kinds {
namespace {

constexpr double kLargestValue = 1e100;
constexpr std::size_t kLongestNumber = 400;  // the smallest double, written out

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_word(std::string_view text, std::string_view word) {
  return std::equal(text.begin(), text.end(), word.begin(), word.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
  });
}

ParsedNumber parse_point(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && (is_digit(text[1]) || text[1] == '.')) {
    text.remove_prefix(1);
  }
  ParsedNumber number;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number.value);
  if (error == std::errc::result_out_of_range) {
    number.fault = NumberFault::out_of_range;
  } else if (error != std::errc{} || end != text.data() + text.size()) {
    number.fault = NumberFault::not_a_number;
  } else if (!std::isfinite(number.value)) {
    number.fault = NumberFault::not_finite;
  } else if (std::abs(number.value) > kLargestValue) {
    number.fault = NumberFault::too_large;
  }
  return number;
}

// The length of the digits at the front.
std::size_t digits(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) -
                                  text.begin());
}

}  // namespace

bool is_missing(std::string_view text) {
  if (text.empty() || text == "-") return true;
  if (text.size() > 4) return false;
  if (text.front() == '#') text.remove_prefix(1);  // as spreadsheets write it
  return is_word(text, "nan") || is_word(text, "-nan") || is_word(text, "null") ||
         is_word(text, "na") || is_word(text, "n/a");
}

ParsedNumber parse_cell(std::string_view text, char decimal) {
  if (decimal == '.') return parse_point(text);
  char copy[kLongestNumber];
  if (text.size() > sizeof copy || text.find('.') != std::string_view::npos) {
    return {0, NumberFault::not_a_number};
  }
  std::replace_copy(text.begin(), text.end(), copy, decimal, '.');
  return parse_point({copy, text.size()});
}

bool looks_like_number(std::string_view text) {
  return parse_cell(text, '.').fault != NumberFault::not_a_number ||
         parse_cell(text, ',').fault != NumberFault::not_a_number;
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool has_decimal_comma(std::string_view text) {
  return text.find(',') != std::string_view::npos &&
         parse_cell(text, ',').fault == NumberFault::none;
}

bool may_be_thousands(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  const std::size_t comma = text.find(',');
  return comma <= 3 && text[0] != '0' && text.size() == comma + 4;
}

bool starts_like_number(std::string_view text) {
  while (!text.empty() && std::string_view("+-.,").find(text[0]) != std::string_view::npos) {
    text.remove_prefix(1);
  }
  return !text.empty() && is_digit(text[0]);
}

bool looks_like_time(std::string_view text) {
  if (text.size() < 5 || !is_digit(text[0])) return false;
  if (text.find('-', 1) == 4 || text.find(':') != std::string_view::npos) return true;
  const std::size_t first = digits(text);
  const char mark = text.substr(first).empty() ? '\0' : text[first];
  if (mark != '/' && mark != '.' && mark != '-') return false;
  const std::string_view left = text.substr(first + 1);
  const std::size_t second = digits(left);
  return second > 0 && second <= 2 && left.size() > second + 1 && left[second] == mark &&
         is_digit(left[second + 1]);
}

}  // namespace spillway::kinds
