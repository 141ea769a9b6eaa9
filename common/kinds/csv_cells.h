#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spillway::kinds {

// Empty, or what loggers write where there is no value: NaN, null, NA, N/A and #N/A in any case,
// dashes, what is infinite.
bool is_missing(std::string_view text);

// What tells how something stands: on, off, true, closed.
bool is_state(std::string_view text);

// INF and the like, with or without a sign, also as programs for Windows write it: 1.#INF.
bool is_infinite(std::string_view text);

enum class NumberFault : std::uint8_t { none, not_a_number, out_of_range, not_finite, too_large };

struct ParsedNumber {
  double value = 0;
  NumberFault fault = NumberFault::none;
};

// The whole of the text as a number, with `decimal` ('.' or ',') before its fraction and E, or D as
// Fortran writes it, before its exponent: 1.5D-05. The same on every machine, whatever its locale.
// Values lie within +-1e100, so that their squares can be summed.
ParsedNumber parse_cell(std::string_view text, char decimal);

// What arg nodata lists: texts as they are written, and numbers, with a point, however others write
// them: -9999 is -9999.00, too.
class NoData {
 public:
  explicit NoData(const std::vector<std::string>& listed);
  bool empty() const { return texts_.empty(); }
  // `number` is what the text is parsed as.
  bool holds(std::string_view text, const ParsedNumber& number) const;

 private:
  std::vector<std::string> texts_;
  std::vector<double> numbers_;
};

// A number with either mark.
bool looks_like_number(std::string_view text);

// A whole number without a sign.
std::optional<std::uint64_t> whole_number(std::string_view text);

// A number with a comma, such as -21,5; and of one with a mark, whether what stands behind the mark
// may be thousands, as in 1,234.
bool has_decimal_comma(std::string_view text);
bool may_be_thousands(std::string_view text, char mark);

// Starts like a number, be it one or not.
bool starts_like_number(std::string_view text);

// What keeps a text that starts like a number from being one, as may be told to people; empty where
// that is not known.
std::string_view what_is_odd(std::string_view text);

// Holds a date or a time of day, such as 2020-02-08, 8.2.2020, 02/08/20, 20200208T133047 or
// 13:30:47; no number does, be it 1.5e-05. But for that only the look of the beginning counts.
bool looks_like_time(std::string_view text);

}  // namespace spillway::kinds
