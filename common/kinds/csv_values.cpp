#include "common/kinds/csv_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "common/kinds/csv_cells.h"

namespace spillway::kinds {
namespace {

constexpr std::size_t kMostTexts = 32;
constexpr std::size_t kLongestText = 64;
constexpr std::size_t kOften = 3;
constexpr double kOverload = 9.9e37;  // as Keysight's and Agilent's instruments write it

// All nines, two of them at least before the point, however they are written.
bool is_mark(double value) {
  if (std::abs(value) == kOverload) return true;
  if (std::abs(value) < 99) return false;
  std::array<char, 24> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(),
                                          std::abs(value), std::chars_format::fixed);
  return error == std::errc{} &&
         std::all_of(digits.data(), end, [](char c) { return c == '9' || c == '.'; });
}

}  // namespace

void ColumnValues::add(std::string_view text, double value, std::size_t line) {
  const bool point = text.find('.') != std::string_view::npos;
  if (point && !may_be_thousands(text, '.')) fraction_ = true;
  if (point && thousands_.empty()) thousands_ = text;
  if (fraction_) thousands_.clear();
  Extreme& extreme = value < 0 ? low_ : high_;
  if (!is_mark(value) || std::abs(value) < std::abs(extreme.value)) return add_rest(value);
  if (extreme.mark.count > 0 && value != extreme.value) add_rest(extreme.value);
  if (extreme.mark.count == 0 || value != extreme.value) {
    extreme = {{std::string(text), line, 0}, value};
  }
  ++extreme.mark.count;
}

void ColumnValues::add_rest(double value) {
  least_ = any_ ? std::min(least_, value) : value;
  most_ = any_ ? std::max(most_, value) : value;
  any_ = true;
}

// By more than the rest spreads, and than half of what it is. A column of such marks alone has no
// values, unless it may have that one.
std::optional<ColumnValues::Mark> ColumnValues::apart(const Extreme& extreme, int sign) const {
  if (extreme.mark.count == 0) return std::nullopt;
  if (!any_ && extreme.value > 0 && extreme.value != kOverload) return std::nullopt;
  const double nearest = sign < 0 ? least_ : most_;
  const double distance = sign * (extreme.value - nearest);
  const double needed = std::max(most_ - least_, std::abs(extreme.value) / 2);
  return !any_ || distance > needed ? std::optional<Mark>(extreme.mark) : std::nullopt;
}

void ColumnTexts::add(std::string_view text) {
  if (given_up_) return;
  auto known = std::find_if(texts_.begin(), texts_.end(),
                            [text](const Text& other) { return other.text == text; });
  if (known == texts_.end()) {
    given_up_ = texts_.size() == kMostTexts || text.size() > kLongestText;
    if (given_up_) return texts_.clear();
    known = texts_.insert(known, {std::string(text), 0});
  }
  ++known->count;
}

// Two of them often, and all twice on the average: a remark that comes again is no series.
std::vector<std::string> ColumnTexts::repeated() const {
  const auto often = std::count_if(texts_.begin(), texts_.end(),
                                   [](const Text& text) { return text.count >= kOften; });
  std::vector<std::string> found;
  if (often < 2 || count() < 2 * texts_.size()) return found;
  for (const Text& text : texts_) found.push_back(text.text);
  return found;
}

std::size_t ColumnTexts::count() const {
  std::size_t all = 0;
  for (const Text& text : texts_) all += text.count;
  return all;
}

}  // namespace spillway::kinds
