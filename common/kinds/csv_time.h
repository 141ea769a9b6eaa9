#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace spillway::kinds {

// Which of a date's first two numbers is the day, where the year does not come first.
enum class DateOrder : std::uint8_t { day_first, month_first };

// Learns from a column's times, one after another, how they are written. A date with the year first
// is clear. With points the day comes first; with AM or PM the month, as in the one country that
// writes both; with other marks a number over 12 tells. Where nothing tells the order is unknown
// and no time is given rather than a wrong one. Numbers are seconds since 1970 from 10^8 to below
// 10^11, milliseconds from there to 10^14.
class TimeColumn {
 public:
  explicit TimeColumn(std::optional<DateOrder> order) : said_(order) {}

  // False when it is no time, or not as those before it.
  bool add(std::string_view text);

  // "year-first", "day-first", "month-first, AM/PM", "Unix seconds", … ; empty before the first.
  std::string format() const;
  bool ambiguous() const;
  // As 2026-03-01 00:00:04 with what follows, such as a zone; as written where that is not known.
  std::string first() const { return shown(first_); }
  std::string last() const { return shown(last_); }

 private:
  struct Stamp {
    std::uint64_t a = 0, b = 0, c = 0;  // of the date, as written
    bool dated = false;
    char mark = '\0';
    std::uint64_t hour = 0, minute = 0;
    std::string seconds = "00";
    std::string half;  // AM or PM
    std::string rest;  // a zone
    std::uint64_t unix_ms = 0;
    std::string text;
  };
  enum class Form : std::uint8_t { none, year_first, numbers, seconds, milliseconds, clock };

  static std::optional<Stamp> parse(std::string_view text);
  static bool parse_date(std::string_view& text, Stamp& stamp);
  static bool parse_clock(std::string_view& text, Stamp& stamp);
  static Form form_of(const Stamp& stamp);
  std::optional<DateOrder> order() const;
  bool fits(const Stamp& stamp) const;
  std::string shown(const Stamp& stamp) const;

  std::optional<DateOrder> said_;
  Form form_ = Form::none;
  char mark_ = '\0';
  bool halves_ = false;
  bool a_is_day_ = false;
  bool b_is_day_ = false;
  Stamp first_;
  Stamp last_;
};

}  // namespace spillway::kinds
