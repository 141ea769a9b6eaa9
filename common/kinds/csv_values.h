#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spillway::kinds {

// What the numbers of a whole column look like, for what they may mean besides. Bounded in memory.
// One thread.
class ColumnValues {
 public:
  // Such as -9999, 999, 99.00 or 9.9E+37, which loggers write where there is no value.
  struct Mark {
    std::string text;
    std::size_t line = 0;   // of the first
    std::size_t count = 0;  // those of the same value
  };

  void add(std::string_view text, double value, std::size_t line);

  // The first number with a point, when each of the column is whole or has three digits behind a
  // point that may be one of thousands.
  const std::string& thousands() const { return thousands_; }
  // Whether a number's point can only be a decimal one.
  bool fraction() const { return fraction_; }
  // A mark that is the least or the most of all values and stands far apart from the rest.
  std::optional<Mark> low_mark() const { return apart(low_, -1); }
  std::optional<Mark> high_mark() const { return apart(high_, 1); }

 private:
  struct Extreme {
    Mark mark;
    double value = 0;
  };
  void add_rest(double value);
  std::optional<Mark> apart(const Extreme& extreme, int sign) const;

  std::string thousands_;
  bool fraction_ = false;
  Extreme low_, high_;
  bool any_ = false;  // of the rest
  double least_ = 0, most_ = 0;
};

// Which texts a column without numbers holds, for what they may tell apart. Bounded in memory: of
// more than a few different ones, or of long ones, none is kept. One thread.
class ColumnTexts {
 public:
  void add(std::string_view text);

  // In the order in which they come, when there are several that come again and again.
  std::vector<std::string> repeated() const;
  // How many were added, while none was too many or too long.
  std::size_t count() const;

 private:
  struct Text {
    std::string text;
    std::size_t count = 0;
  };
  std::vector<Text> texts_;
  bool given_up_ = false;
};

}  // namespace spillway::kinds
