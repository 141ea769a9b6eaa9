#include "common/kinds/csv_time.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace spillway::kinds {
namespace {

constexpr std::uint64_t kLeastSeconds = 946'684'800;   // 2000
constexpr std::uint64_t kMostSeconds = 4'102'444'800;  // 2100
constexpr std::uint64_t kMillisecond = 1000;           // of them to a second
constexpr std::int64_t kDay = 86'400'000;              // in milliseconds
constexpr std::size_t kLongestTime = 48;
constexpr std::uint64_t kCentury = 100;
constexpr std::uint64_t kMonths = 12;
constexpr std::uint64_t kLongPast = 15;  // of years with two digits

// Takes a whole number of 1 to `most` digits from the front and returns their count, 0 when there
// is none.
std::size_t take(std::string_view& text, std::size_t most, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto length = static_cast<std::size_t>(end - text.data());
  if (error != std::errc{} || length > most) return 0;
  text.remove_prefix(length);
  return length;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// What may follow the seconds, with its mark.
std::string_view take_fraction(std::string_view& text) {
  const std::string_view from = text;
  std::uint64_t part = 0;
  if (take(text, '.') || take(text, ',')) take(text, 18, part);
  return from.substr(0, from.size() - text.size());
}

void skip_blanks(std::string_view& text) {
  while (take(text, ' ')) {
  }
}

// AM or PM, as a, am or a.m.; false where another word stands.
bool take_half(std::string_view& text, char& half) {
  const std::string_view word = text.substr(0, text.find_first_of(" Z+-"));
  if (word.empty()) return true;
  const std::string_view left = word.substr(1);
  half = static_cast<char>(word[0] | 0x20);
  text.remove_prefix(word.size());
  return (half == 'a' || half == 'p') &&
         (left.empty() || left == "m" || left == "M" || left == ".m." || left == ".M.");
}

bool is_zone(std::string_view text) {
  return text.empty() ||
         (text.size() <= 6 && std::string_view("Z+-").find(text[0]) != std::string_view::npos);
}

// What a zone such as +01:00 or -0330 is ahead, in minutes; 0 for any other text.
std::int64_t zone_minutes(std::string_view zone) {
  const bool behind = zone.starts_with('-');
  if (zone.empty()) return 0;
  zone.remove_prefix(1);
  std::uint64_t hours = 0, minutes = 0;
  const std::size_t length = take(zone, 4, hours);
  if (length > 2) {
    minutes = hours % 100;
    hours /= 100;
  } else if (length == 0 || (take(zone, ':') && take(zone, 2, minutes) == 0)) {
    return 0;
  }
  const auto ahead = static_cast<std::int64_t>(hours * 60 + minutes);
  return behind ? -ahead : ahead;
}

// The milliseconds of a fraction with its mark before it.
std::int64_t fraction_ms(std::string_view fraction) {
  std::int64_t value = 0, unit = 100;
  for (const char c : fraction.substr(std::min<std::size_t>(fraction.size(), 1), 3)) {
    value += unit * (c - '0');
    unit /= 10;
  }
  return value;
}

std::optional<std::chrono::sys_days> day_of(std::uint64_t year, std::uint64_t month,
                                            std::uint64_t day) {
  using namespace std::chrono;
  const year_month_day date{std::chrono::year(static_cast<int>(year)),
                            std::chrono::month(static_cast<unsigned>(month)),
                            std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return sys_days(date);
}

std::string moment(std::uint64_t ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds(static_cast<std::int64_t>(ms))};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss<milliseconds> clock(time - day);
  std::array<char, 80> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d:%02d",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return std::string(text.data()) + "Z";
}

bool is_plausible(std::uint64_t seconds) {
  return seconds >= kLeastSeconds && seconds < kMostSeconds;
}

}  // namespace

// A text's parts, whether or not such a time exists.
struct TimeColumn::Stamp {
  Form form = Form::clock;
  std::uint64_t a = 0, b = 0, c = 0;  // of the date, as written
  char mark = '\0';
  bool clocked = false;
  std::uint64_t hour = 0, minute = 0, second = 0;
  std::string_view fraction;  // with its mark
  char half = '\0';           // a or p
  std::string_view zone;
  std::uint64_t number = 0;  // since 1970

  std::uint64_t year(std::uint64_t written) const {
    return form == Form::numbers && written < 100 ? 2000 + written : written;
  }
  std::optional<std::chrono::sys_days> day(DateOrder order) const {
    if (form == Form::year_first) return day_of(a, b, c);
    const bool day_first = order == DateOrder::day_first;
    return day_of(year(c), day_first ? b : a, day_first ? a : b);
  }
  std::uint64_t whole_hour() const {
    return half == '\0' ? hour : hour % 12 + (half == 'p' ? 12 : 0);
  }
  // 24:00 is the end of a day, and a minute may have a leap second.
  bool clock_exists() const {
    if (half != '\0' && (hour < 1 || hour > 12)) return false;
    const bool midnight = hour == 24 && minute == 0 && second == 0;
    return (hour < 24 || midnight) && minute < 60 && second <= 60;
  }
};

// A year has four digits, or two at the end.
bool TimeColumn::parse_date(std::string_view& text, Stamp& stamp) {
  const std::size_t first = take(text, 4, stamp.a);
  if (first == 0 || text.empty()) return false;
  stamp.mark = text[0];
  if (std::string_view("-/.").find(stamp.mark) == std::string_view::npos) return false;
  if (!take(text, stamp.mark) || take(text, 2, stamp.b) == 0) return false;
  if (!take(text, stamp.mark)) return false;
  const std::size_t third = take(text, 4, stamp.c);
  stamp.form = first == 4 ? Form::year_first : Form::numbers;
  return first == 4 ? third == 1 || third == 2 : first <= 2 && (third == 2 || third == 4);
}

bool TimeColumn::parse_clock(std::string_view& text, Stamp& stamp) {
  if (take(text, 2, stamp.hour) == 0 || !take(text, ':')) return false;
  if (take(text, 2, stamp.minute) == 0) return false;
  if (take(text, ':')) {
    if (take(text, 2, stamp.second) == 0) return false;
    stamp.fraction = take_fraction(text);
  }
  skip_blanks(text);
  if (!take_half(text, stamp.half)) return false;
  skip_blanks(text);
  stamp.clocked = true;
  return true;
}

// ISO's basic form; the time of day may have its colons.
bool TimeColumn::parse_basic(std::string_view& text, Stamp& stamp) {
  std::uint64_t date = 0, clock = 0;
  if (take(text, 8, date) != 8 || !take(text, 'T')) return false;
  stamp.form = Form::year_first;
  stamp.mark = 'T';
  stamp.a = date / 10'000;
  stamp.b = date / 100 % 100;
  stamp.c = date % 100;
  const std::string_view from = text;
  const std::size_t length = take(text, 6, clock);
  if (length == 2) return parse_clock(text = from, stamp);
  if (length != 4 && length != 6) return false;
  if (length == 6) stamp.fraction = take_fraction(text);
  if (length == 4) clock *= 100;
  stamp.hour = clock / 10'000;
  stamp.minute = clock / 100 % 100;
  stamp.second = clock % 100;
  stamp.clocked = true;
  return true;
}

bool TimeColumn::parse_number(std::string_view text, Stamp& stamp) {
  if (take(text, 15, stamp.number) == 0) return false;
  std::uint64_t part = 0;
  if (take(text, '.') && take(text, 18, part) == 0) return false;
  stamp.form = stamp.number < kMostSeconds ? Form::seconds : Form::milliseconds;
  return text.empty();
}

std::optional<TimeColumn::Stamp> TimeColumn::parse(std::string_view text) {
  Stamp stamp;
  if (parse_number(text, stamp)) return stamp;
  stamp = Stamp{};
  if (text.size() > kLongestTime) return std::nullopt;
  if (text.find_first_not_of("0123456789") == 8 && text[8] == 'T') {
    if (!parse_basic(text, stamp) || !is_zone(text)) return std::nullopt;
    stamp.zone = text;
    return stamp;
  }
  if (text.find(':') >= 3) {
    if (!parse_date(text, stamp)) return std::nullopt;
    if (text.empty()) return stamp;
    if (!take(text, 'T') && !take(text, ' ')) return std::nullopt;
    skip_blanks(text);
  }
  if (!parse_clock(text, stamp) || !is_zone(text)) return std::nullopt;
  stamp.zone = text;
  return stamp;
}

DateOrder TimeColumn::order() const {
  if (said_) return *said_;
  if (possible_ != kEither) {
    return possible_ == kDayFirst ? DateOrder::day_first : DateOrder::month_first;
  }
  if (named_) return *named_;
  return halves_ && mark_ != '.' ? DateOrder::month_first : DateOrder::day_first;
}

unsigned TimeColumn::allowed() const {
  if (!said_) return possible_;
  return *said_ == DateOrder::day_first ? kDayFirst : kMonthFirst;
}

TimeFault TimeColumn::add_number(const Stamp& stamp) {
  if (form_ == Form::none) {
    const bool seconds = is_plausible(stamp.number);
    const bool known = seconds || is_plausible(stamp.number / kMillisecond);
    form_ = !known ? Form::unknown : seconds ? Form::seconds : Form::milliseconds;
    return TimeFault::none;
  }
  if (form_ == Form::seconds) {
    return stamp.number < kMostSeconds ? TimeFault::none : TimeFault::other_form;
  }
  const bool fits = form_ == Form::milliseconds && !is_plausible(stamp.number) &&
                    stamp.number < kMostSeconds * kMillisecond;
  return fits ? TimeFault::none : TimeFault::other_form;
}

TimeFault TimeColumn::add_date(const Stamp& stamp) {
  if (stamp.clocked && !stamp.clock_exists()) return TimeFault::no_such_time;
  unsigned possible = kEither;
  if (stamp.form != Form::clock && !stamp.day(DateOrder::day_first)) possible &= ~kDayFirst;
  if (stamp.form == Form::year_first && possible != kEither) possible = 0;
  if (stamp.form == Form::numbers && !stamp.day(DateOrder::month_first)) possible &= ~kMonthFirst;
  if (possible == 0) return TimeFault::no_such_time;
  if (form_ != Form::none && (stamp.form != form_ || stamp.mark != mark_)) {
    return TimeFault::other_form;
  }
  if (stamp.clocked && clocked_ && halves_ != (stamp.half != '\0')) return TimeFault::other_form;
  form_ = stamp.form;
  mark_ = stamp.mark;
  if (form_ == Form::numbers) {
    if ((possible & allowed()) == 0) return TimeFault::other_order;
    possible_ &= possible;
    keep_numbers(stamp);
  }
  clocked_ = clocked_ || stamp.clocked;
  halves_ = halves_ || stamp.half != '\0';
  return TimeFault::none;
}

void TimeColumn::keep_numbers(const Stamp& stamp) {
  if (!first_.empty()) {
    lead_changes_ += stamp.a != lead_;
    tail_changes_ += stamp.c != tail_;
  }
  lead_ = stamp.a;
  tail_ = stamp.c;
}

bool TimeColumn::year_may_lead() const {
  if (form_ != Form::numbers || tail_ >= kCentury) return false;
  return tail_changes_ > lead_changes_ ||
         (tail_changes_ == lead_changes_ && lead_ > kMonths && tail_ < kLongPast);
}

TimeFault TimeColumn::add(std::string_view text) {
  if (form_ == Form::unknown) return TimeFault::none;
  const std::optional<Stamp> stamp = parse(text);
  if (!stamp) {
    if (form_ != Form::none) return TimeFault::other_form;
    form_ = Form::unknown;
    return TimeFault::none;
  }
  const bool number = stamp->form == Form::seconds || stamp->form == Form::milliseconds;
  const TimeFault fault = number ? add_number(*stamp) : add_date(*stamp);
  if (fault == TimeFault::none) keep(text);
  return fault;
}

void TimeColumn::keep(std::string_view text) {
  if (form_ == Form::unknown) return;
  if (first_.empty()) first_ = text;
  last_ = text;
}

bool TimeColumn::join(const TimeColumn& after) {
  if (after.form_ == Form::none) return true;
  if (form_ == Form::none) {
    *this = after;
    return true;
  }
  if (form_ != after.form_ || mark_ != after.mark_) return false;
  if (clocked_ && after.clocked_ && halves_ != after.halves_) return false;
  possible_ &= after.possible_;
  clocked_ = clocked_ || after.clocked_;
  halves_ = halves_ || after.halves_;
  last_ = after.last_;
  return possible_ != 0;
}

std::string TimeColumn::describe(TimeFault fault) const {
  switch (fault) {
    case TimeFault::none: return {};
    case TimeFault::no_such_time: return "is a date or time that does not exist";
    case TimeFault::other_form: return "is not a time like those before it";
    case TimeFault::other_order: break;
  }
  const bool day_first = order() == DateOrder::day_first;
  return std::string("has the ") + (day_first ? "month" : "day") + " first, but " +
         (said_ ? "dates=" : "the dates before it are ") +
         (day_first ? "day-first" : "month-first");
}

std::string TimeColumn::format() const {
  const std::string half = halves_ ? ", AM/PM" : "";
  switch (form_) {
    case Form::none:
    case Form::unknown: return {};
    case Form::year_first: return "year-first" + half;
    case Form::seconds: return "Unix seconds";
    case Form::milliseconds: return "Unix milliseconds";
    case Form::clock: return "time of day" + half;
    case Form::numbers: break;
  }
  return (order() == DateOrder::day_first ? "day-first" : "month-first") + half;
}

std::string TimeColumn::shown(const std::string& text) const {
  const std::optional<Stamp> stamp = parse(text);
  if (!stamp) return text;
  if (form_ == Form::seconds) return moment(stamp->number * kMillisecond);
  if (form_ == Form::milliseconds) return moment(stamp->number);
  if (form_ == Form::clock) return text;
  const auto day = stamp->day(order());
  if (!day) return text;
  const std::chrono::year_month_day date(*day);
  std::array<char, 80> out{};
  std::snprintf(out.data(), out.size(), "%04d-%02u-%02u %02u:%02u:%02u",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<unsigned>(stamp->whole_hour()),
                static_cast<unsigned>(stamp->minute), static_cast<unsigned>(stamp->second));
  return out.data() + std::string(stamp->fraction) + std::string(stamp->zone);
}

bool is_date(std::string_view text) {
  const auto stamp = TimeColumn::parse(text);
  return stamp && !stamp->clocked && stamp->mark != '\0';
}

bool is_clock(std::string_view text) {
  const auto stamp = TimeColumn::parse(text);
  return stamp && stamp->clocked && stamp->mark == '\0';
}

bool is_half(std::string_view text) {
  char half = '\0';
  return text.size() > 1 && take_half(text, half) && half != '\0' && text.empty();
}

bool may_have_half(std::string_view text) {
  const auto stamp = TimeColumn::parse(text);
  return stamp && stamp->clocked && stamp->half == '\0' && stamp->zone.empty() &&
         stamp->hour >= 1 && stamp->hour <= 12;
}

bool is_unix_time(std::string_view text) {
  TimeColumn::Stamp stamp;
  return TimeColumn::parse_number(text, stamp) &&
         (is_plausible(stamp.number) || is_plausible(stamp.number / kMillisecond));
}

std::optional<std::int64_t> time_key(std::string_view text, DateOrder order) {
  const auto stamp = TimeColumn::parse(text);
  if (!stamp) return std::nullopt;
  if (stamp->form == TimeColumn::Form::seconds) {
    return static_cast<std::int64_t>(stamp->number * kMillisecond);
  }
  if (stamp->form == TimeColumn::Form::milliseconds)
    return static_cast<std::int64_t>(stamp->number);
  std::int64_t key = 0;
  if (stamp->mark != '\0') {
    const auto day = stamp->day(order);
    if (!day) return std::nullopt;
    key = day->time_since_epoch().count() * kDay;
  }
  const auto seconds =
      static_cast<std::int64_t>((stamp->whole_hour() * 60 + stamp->minute) * 60 + stamp->second);
  return key +
         (seconds - zone_minutes(stamp->zone) * 60) * static_cast<std::int64_t>(kMillisecond) +
         fraction_ms(stamp->fraction);
}

}  // namespace spillway::kinds
