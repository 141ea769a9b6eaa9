#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace spillway::kinds {

// Which of a date's first two numbers is the day, where the year does not come first.
enum class DateOrder : std::uint8_t { day_first, month_first };

enum class TimeFault : std::uint8_t { none, no_such_time, other_form, other_order };

// Whether a text is a date alone, or a time of day alone.
bool is_date(std::string_view text);
bool is_clock(std::string_view text);

// AM or PM, as am, PM or p.m.; and whether a text ends in a time of day of 1 to 12 hours that
// lacks it.
bool is_half(std::string_view text);
bool may_have_half(std::string_view text);

// Whether a text is a number of seconds or milliseconds since 1970 that lies in 2000 to 2100.
bool is_unix_time(std::string_view text);

// A point in time on a scale of its own, in milliseconds, for comparing; zones count.
std::optional<std::int64_t> time_key(std::string_view text, DateOrder order);

// Learns from a column's times, one after another, how they are written, and refuses those that do
// not exist or contradict the ones before. A date with a year of four digits first is clear, also
// without marks, as in 20260301T133047. Of
// others a number over 12 tells the day, for all the column. Where none tells, the day comes first,
// but the month with AM or PM (and no points), as in the one country that writes both: `assumed`
// says that it was so. Numbers are Unix seconds or milliseconds when the first lies in 2000 to
// 2100; later ones may lie before, as from a clock that was not set. Where the first text is none
// of these, nothing is known of the column, and nothing refused.
class TimeColumn {
 public:
  // The order that is said holds; what the column's name says, where no date tells.
  explicit TimeColumn(std::optional<DateOrder> said, std::optional<DateOrder> named = {})
      : said_(said), named_(named) {}

  TimeFault add(std::string_view text);
  // Takes in what was learned of the texts after these; false where one does not fit.
  bool join(const TimeColumn& after);
  // "is not a time like those before it" and the like.
  std::string describe(TimeFault fault) const;

  // "year-first", "day-first", "month-first, AM/PM", "Unix seconds", … ; empty when not known.
  std::string format() const;
  bool assumed() const {
    return form_ == Form::numbers && !said_ && !named_ && possible_ == kEither;
  }
  // Whether of years with two digits, which are taken to come last, the first number may be one: it
  // changes less often, or is over 12 before a year that is long past.
  bool year_may_lead() const;
  DateOrder order() const;
  // Whether dates are written as 1.3.2026.
  bool has_points() const { return form_ == Form::numbers && mark_ == '.'; }
  // The first and the last time, as 2026-03-01 00:00:04 with what follows, such as a zone; as
  // written where the date is not known.
  std::string first() const { return shown(first_); }
  std::string last() const { return shown(last_); }

 private:
  enum class Form : std::uint8_t {
    none,
    unknown,
    year_first,
    numbers,
    seconds,
    milliseconds,
    clock
  };
  struct Stamp;
  friend bool is_date(std::string_view);
  friend bool is_clock(std::string_view);
  friend bool may_have_half(std::string_view);
  friend bool is_unix_time(std::string_view);
  friend std::optional<std::int64_t> time_key(std::string_view, DateOrder);

  // The orders that dates can have, a bit each.
  static constexpr unsigned kDayFirst = 1;
  static constexpr unsigned kMonthFirst = 2;
  static constexpr unsigned kEither = 3;

  static std::optional<Stamp> parse(std::string_view text);
  static bool parse_date(std::string_view& text, Stamp& stamp);
  static bool parse_clock(std::string_view& text, Stamp& stamp);
  static bool parse_basic(std::string_view& text, Stamp& stamp);
  static bool parse_number(std::string_view text, Stamp& stamp);
  TimeFault add_number(const Stamp& stamp);
  TimeFault add_date(const Stamp& stamp);
  void keep(std::string_view text);
  void keep_numbers(const Stamp& stamp);
  unsigned allowed() const;
  std::string shown(const std::string& text) const;

  std::optional<DateOrder> said_;
  std::optional<DateOrder> named_;
  Form form_ = Form::none;
  char mark_ = '\0';
  bool clocked_ = false;  // times of day were seen,
  bool halves_ = false;   // with AM or PM, which then all of them have
  unsigned possible_ = kEither;
  std::uint64_t lead_ = 0, tail_ = 0;  // of the last date of numbers
  std::size_t lead_changes_ = 0, tail_changes_ = 0;
  std::string first_;
  std::string last_;
};

}  // namespace spillway::kinds
