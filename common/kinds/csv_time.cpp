#include "common/kinds/csv_time.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace spillway::kinds {
namespace {

constexpr std::uint64_t kLeastSeconds = 100'000'000;           // 1973
constexpr std::uint64_t kLeastMilliseconds = 100'000'000'000;  // 1973
constexpr std::uint64_t kPastMilliseconds = 100'000'000'000'000;

// Takes a whole number of 1 to `most` digits from the front.
bool take(std::string_view& text, std::size_t most, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto length = static_cast<std::size_t>(end - text.data());
  if (error != std::errc{} || length > most) return false;
  text.remove_prefix(length);
  return true;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

void skip_blanks(std::string_view& text) {
  while (take(text, ' ')) {
  }
}

bool is_zone(std::string_view text) {
  return text.empty() ||
         (text.size() <= 6 && std::string_view("Z+-").find(text[0]) != std::string_view::npos);
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

}  // namespace

bool TimeColumn::parse_date(std::string_view& text, Stamp& stamp) {
  if (!take(text, 4, stamp.a) || text.empty()) return false;
  stamp.mark = text[0];
  if (std::string_view("-/.").find(stamp.mark) == std::string_view::npos) return false;
  if (!take(text, stamp.mark) || !take(text, 2, stamp.b) || !take(text, stamp.mark)) return false;
  stamp.dated = take(text, 4, stamp.c);
  return stamp.dated;
}

bool TimeColumn::parse_clock(std::string_view& text, Stamp& stamp) {
  if (!take(text, 2, stamp.hour) || !take(text, ':') || !take(text, 2, stamp.minute)) return false;
  if (take(text, ':')) {
    const std::string_view from = text;
    std::uint64_t number = 0;
    if (!take(text, 2, number) || number > 60) return false;
    if (take(text, '.') || take(text, ',')) take(text, 18, number);
    stamp.seconds = from.substr(0, from.size() - text.size());
    if (stamp.seconds.size() == 1) stamp.seconds.insert(0, "0");
  }
  skip_blanks(text);
  if (text.size() >= 2 && (text[1] | 0x20) == 'm') {
    stamp.half = (text[0] | 0x20) == 'a' ? "AM" : (text[0] | 0x20) == 'p' ? "PM" : "";
    if (stamp.half.empty() || stamp.hour == 0 || stamp.hour > 12) return false;
    text.remove_prefix(2);
  }
  skip_blanks(text);
  return stamp.hour <= 24 && stamp.minute < 60;
}

std::optional<TimeColumn::Stamp> TimeColumn::parse(std::string_view text) {
  Stamp stamp;
  stamp.text = text.substr(0, 48);
  std::string_view left = text;
  if (text.size() >= 9 && take(left, 15, stamp.unix_ms) && stamp.unix_ms >= kLeastSeconds) {
    std::uint64_t part = 0;
    const bool whole = left.empty() || (take(left, '.') && take(left, 18, part) && left.empty());
    return whole ? std::optional<Stamp>(stamp) : std::nullopt;
  }
  stamp.unix_ms = 0;
  left = text;
  if (text.find(':') >= 3) {
    if (!parse_date(left, stamp)) return std::nullopt;
    if (left.empty()) return stamp;
    if (!take(left, 'T') && !take(left, ' ')) return std::nullopt;
    skip_blanks(left);
  }
  if (!parse_clock(left, stamp) || !is_zone(left)) return std::nullopt;
  stamp.rest = left;
  return stamp;
}

TimeColumn::Form TimeColumn::form_of(const Stamp& stamp) {
  if (stamp.dated) return stamp.a > 31 ? Form::year_first : Form::numbers;
  if (stamp.unix_ms == 0) return Form::clock;
  if (stamp.unix_ms >= kLeastMilliseconds && stamp.unix_ms < kPastMilliseconds) {
    return Form::milliseconds;
  }
  return stamp.unix_ms >= kLeastSeconds && stamp.unix_ms < kLeastMilliseconds ? Form::seconds
                                                                              : Form::none;
}

std::optional<DateOrder> TimeColumn::order() const {
  if (said_) return said_;
  if (mark_ == '.' || a_is_day_) return DateOrder::day_first;
  if (halves_ || b_is_day_) return DateOrder::month_first;
  return std::nullopt;
}

// Whether the numbers of a date can be what its column's order makes of them.
bool TimeColumn::fits(const Stamp& stamp) const {
  if (!stamp.dated) return true;
  if (form_ == Form::year_first)
    return stamp.b >= 1 && stamp.b <= 12 && stamp.c >= 1 && stamp.c <= 31;
  const bool month_second = stamp.b >= 1 && stamp.b <= 12 && !b_is_day_;
  const bool month_first = stamp.a >= 1 && stamp.a <= 12 && !a_is_day_;
  if (stamp.a < 1 || stamp.b < 1 || stamp.a > 31 || stamp.b > 31) return false;
  const std::optional<DateOrder> known = order();
  if (!known) return month_first || month_second;
  return *known == DateOrder::day_first ? month_second : month_first;
}

bool TimeColumn::add(std::string_view text) {
  std::optional<Stamp> stamp = parse(text);
  if (!stamp) return false;
  const Form form = form_of(*stamp);
  if (form == Form::none || (form_ != Form::none && form != form_)) return false;
  if (form_ != Form::none && stamp->mark != mark_) return false;
  form_ = form;
  mark_ = stamp->mark;
  halves_ = halves_ || !stamp->half.empty();
  if (form == Form::numbers) {
    a_is_day_ = a_is_day_ || stamp->a > 12;
    b_is_day_ = b_is_day_ || stamp->b > 12;
  }
  if (!fits(*stamp)) return false;
  if (first_.text.empty()) first_ = *stamp;
  last_ = std::move(*stamp);
  return true;
}

bool TimeColumn::ambiguous() const { return form_ == Form::numbers && !order(); }

std::string TimeColumn::format() const {
  const std::string half = halves_ ? ", AM/PM" : "";
  switch (form_) {
    case Form::none: return {};
    case Form::year_first: return "year-first" + half;
    case Form::seconds: return "Unix seconds";
    case Form::milliseconds: return "Unix milliseconds";
    case Form::clock: return "time of day" + half;
    case Form::numbers: break;
  }
  if (ambiguous()) return "day-first or month-first";
  return (*order() == DateOrder::day_first ? "day-first" : "month-first") + half;
}

std::string TimeColumn::shown(const Stamp& stamp) const {
  if (form_ == Form::seconds) return moment(stamp.unix_ms * 1000);
  if (form_ == Form::milliseconds) return moment(stamp.unix_ms);
  if (form_ == Form::none || form_ == Form::clock || ambiguous()) return stamp.text;
  std::uint64_t year = stamp.a, month = stamp.b, day = stamp.c;
  if (form_ == Form::numbers) {
    const bool day_first = *order() == DateOrder::day_first;
    year = stamp.c < 100 ? 2000 + stamp.c : stamp.c;
    month = day_first ? stamp.b : stamp.a;
    day = day_first ? stamp.a : stamp.b;
  }
  const std::uint64_t hour =
      stamp.half.empty() ? stamp.hour : stamp.hour % 12 + (stamp.half == "PM" ? 12 : 0);
  std::array<char, 80> text{};
  std::snprintf(text.data(), text.size(), "%04u-%02u-%02u %02u:%02u:", static_cast<unsigned>(year),
                static_cast<unsigned>(month), static_cast<unsigned>(day),
                static_cast<unsigned>(hour), static_cast<unsigned>(stamp.minute));
  return text.data() + stamp.seconds + stamp.rest;
}

}  // namespace spillway::kinds
