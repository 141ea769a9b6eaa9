#include "common/kinds/csv_cells.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>

namespace spillway::kinds {
namespace {

constexpr double kLargestValue = 1e100;
constexpr std::size_t kLongestNumber = 400;  // the smallest double, written out
constexpr std::string_view kTypesetMinus = "\xe2\x88\x92";
constexpr std::size_t kLongestMissing = 9;
constexpr std::string_view kMissing[] = {"nan", "-nan",   "null",    "na",
                                         "n/a", "1.#ind", "-1.#ind", "1.#qnan"};
constexpr std::string_view kStates[] = {"true", "false", "on",   "off",
                                        "yes",  "no",    "open", "closed"};
constexpr std::string_view kInfinite[] = {"inf", "infinity", "1.#inf"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_word(std::string_view text, std::string_view word) {
  return std::equal(text.begin(), text.end(), word.begin(), word.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
  });
}

bool is_one(std::string_view text, std::span<const std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [text](std::string_view word) { return is_word(text, word); });
}

ParsedNumber parse_plain(std::string_view text) {
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

// A number as Fortran writes it, always with the sign of the exponent.
ParsedNumber parse_fortran(std::string_view text) {
  const std::size_t mark = text.find_first_of("Dd");
  const char sign = mark < text.size() - 1 ? text[mark + 1] : '\0';
  if ((sign != '+' && sign != '-') || text.size() > kLongestNumber) {
    return {0, NumberFault::not_a_number};
  }
  char copy[kLongestNumber];
  std::copy(text.begin(), text.end(), copy);
  copy[mark] = 'e';
  return parse_plain({copy, text.size()});
}

ParsedNumber parse_point(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && (is_digit(text[1]) || text[1] == '.')) {
    text.remove_prefix(1);
  }
  const ParsedNumber number = parse_plain(text);
  const bool fortran = number.fault == NumberFault::not_a_number && starts_like_number(text);
  return fortran ? parse_fortran(text) : number;
}

bool holds_clock(std::string_view text) {
  const std::size_t colon = text.find(':', 1);
  return colon < text.size() - 1 && is_digit(text[colon - 1]) && is_digit(text[colon + 1]);
}

// The length of the digits at the front.
std::size_t digits(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) -
                                  text.begin());
}

}  // namespace

bool is_missing(std::string_view text) {
  if (text.find_first_not_of('-') == std::string_view::npos) return true;
  if (text.size() > kLongestMissing) return false;
  if (text.front() == '#') text.remove_prefix(1);  // as spreadsheets write it
  return is_one(text, kMissing) || is_infinite(text);
}

bool is_state(std::string_view text) { return is_one(text, kStates); }

bool is_infinite(std::string_view text) {
  if (text.size() > kLongestMissing) return false;
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return is_one(text, kInfinite);
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

NoData::NoData(const std::vector<std::string>& listed) : texts_(listed) {
  for (const std::string& text : listed) {
    const ParsedNumber number = parse_cell(text, '.');
    if (number.fault == NumberFault::none) numbers_.push_back(number.value);
  }
}

bool NoData::holds(std::string_view text, const ParsedNumber& number) const {
  const bool equal = number.fault == NumberFault::none &&
                     std::find(numbers_.begin(), numbers_.end(), number.value) != numbers_.end();
  return equal || std::find(texts_.begin(), texts_.end(), text) != texts_.end();
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

bool may_be_thousands(std::string_view text, char mark) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  const std::size_t at = text.find(mark);
  return at > 0 && at <= 3 && text[0] != '0' && text.size() == at + 4 &&
         whole_number(text.substr(at + 1));
}

bool starts_like_number(std::string_view text) {
  if (text.starts_with(kTypesetMinus)) text.remove_prefix(kTypesetMinus.size());
  while (!text.empty() && std::string_view("+-.,").find(text[0]) != std::string_view::npos) {
    text.remove_prefix(1);
  }
  return !text.empty() && is_digit(text[0]);
}

std::string_view what_is_odd(std::string_view text) {
  if (text.starts_with(kTypesetMinus)) return "its minus is U+2212, where - is wanted";
  const std::size_t end = std::min(text.find_first_not_of("+-0123456789.,eE"), text.size());
  const std::string_view number = text.substr(0, end), rest = text.substr(end);
  const auto points = std::count(number.begin(), number.end(), '.');
  const auto commas = std::count(number.begin(), number.end(), ',');
  constexpr std::string_view kGroups[] = {"'", " ", "\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x99"};
  const bool grouped =
      (points > 0 && commas > 0) || points > 1 || commas > 1 ||
      std::any_of(std::begin(kGroups), std::end(kGroups), [rest](std::string_view mark) {
        return rest.starts_with(mark) && digits(rest.substr(mark.size())) > 0;
      });
  if (grouped) return "marks between thousands are not read";
  return rest.empty() ? "" : "a number may have nothing behind it, such as a unit";
}

bool looks_like_time(std::string_view text) {
  if (text.size() < 5 || !is_digit(text[0])) return false;
  const std::size_t first = digits(text);
  const char mark = text.substr(first).empty() ? '\0' : text[first];
  if (holds_clock(text) || (first == 4 && mark == '-')) return true;
  if (first == 8 && mark == 'T') return digits(text.substr(first + 1)) > 1;
  if (mark != '/' && mark != '.' && mark != '-') return false;
  const std::string_view left = text.substr(first + 1);
  const std::size_t second = digits(left);
  return second > 0 && second <= 2 && left.size() > second + 1 && left[second] == mark &&
         is_digit(left[second + 1]);
}

}  // namespace spillway::kinds
