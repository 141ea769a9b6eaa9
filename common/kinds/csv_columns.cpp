#include "common/kinds/csv_columns.h"

#include <algorithm>
#include <span>
#include <utility>

#include "common/kinds/csv_cells.h"
#include "common/kinds/csv_time.h"

namespace spillway::kinds {
namespace {

constexpr std::size_t kLongestUnit = 24;
constexpr std::size_t kFewestNumbered = 3;
constexpr std::size_t kManyNumbered = 10;

constexpr std::string_view kTimes[] = {"time",      "timestamp", "datetime",  "date",
                                       "date time", "date/time", "date_time", "tmstamp"};
constexpr std::string_view kForeignTimes[] = {"zeit", "datum", "uhrzeit", "zeitstempel"};
// Names of Unix times, with _ for a blank.
constexpr std::string_view kUnixTimes[] = {"t",
                                           "ts",
                                           "epoch",
                                           "unix",
                                           "unixtime",
                                           "unix_time",
                                           "unix_timestamp",
                                           "unixtimestamp",
                                           "epoch_time",
                                           "epoch_timestamp",
                                           "ts_ms",
                                           "epoch_ms",
                                           "unix_ms",
                                           "time_ms",
                                           "timestamp_ms"};
constexpr std::string_view kCounters[] = {
    "#",        "record",      "recnum",    "recnbr",   "rec num",       "recno",
    "rec no",   "rec no.",     "rec #",     "rec.",     "rec",           "record number",
    "record #", "record no.",  "record no", "recordno", "record_number", "no.",
    "nr.",      "scan number", "scan no.",  "scan #",   "scan no",       "sample number"};
constexpr std::string_view kFirstCounters[] = {"no", "nr", "column 1"};
// What may stand in the place of a counter's unit.
constexpr std::string_view kCounterUnits[] = {"", "rn", "#", "-", "no", "no.", "nr", "nr."};
constexpr std::string_view kLabels[] = {"anomaly", "changepoint"};
constexpr std::string_view kLikeCounters[] = {
    "rn",       "index",           "idx",        "scan",    "number", "row", "line", "seq",
    "sequence", "sequence number", "sample no.", "sample #"};

bool is_one(const std::string& name, std::span<const std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

std::string name_of(const Field& field, std::size_t place) {
  if (field.text.empty()) return "column " + std::to_string(place);
  std::string name(field.text);
  for (std::size_t at = 0; field.doubled && (at = name.find("\"\"", at)) != std::string::npos;) {
    name.erase(at++, 1);
  }
  return name;
}

Role role_of(const ShapeColumn& column) {
  if (is_one(lower(column.name), kLabels)) return Role::label;
  return is_one(lower(column.brief), kTimes) ? Role::time : Role::measurement;
}

// Serial numbers, which Onset's loggers put behind the unit, sensors' numbers and remarks are none.
bool is_unit(std::string_view text) {
  const std::size_t word = text.find_last_of(' ') + 1;  // from 0, when there is but one
  return !text.empty() && text.size() <= kLongestUnit && !whole_number(text.substr(word)) &&
         text.find_first_of("=#") == std::string_view::npos &&
         text.find(": ") == std::string_view::npos;
}

// The unit in the text behind a comma or an opening bracket; empty: there is none.
std::string_view unit_in(std::string_view text) {
  text = trim(text);
  if (!text.empty() && (text[0] == '(' || text[0] == '[')) text = trim(text.substr(1));
  text = trim(text.substr(0, text.find_first_of("()[]")));
  return is_unit(text) ? text : std::string_view();
}

// "Temp, °C (sensor 4)" is Temp in °C, "Flow, total [l/s]" is Flow in l/s.
void split_unit(ShapeColumn& column) {
  const std::string_view name = column.name;
  const std::size_t end = std::min(name.find_first_of(",(["), name.size());
  column.brief = trim(name.substr(0, end));
  if (column.brief.empty()) column.brief = column.name;
  if (end == name.size() || end == 0) return;
  if (const std::size_t open = name.find('['); open != std::string_view::npos) {
    column.unit = unit_in(name.substr(open));
  }
  if (column.unit.empty()) column.unit = unit_in(name.substr(name[end] == ',' ? end + 1 : end));
}

}  // namespace

ShapeColumn column_named(const Field& field, std::size_t place) {
  ShapeColumn column;
  column.name = name_of(field, place);
  split_unit(column);
  column.role = role_of(column);
  return column;
}

bool names_time(const Field& field) {
  Field bare = field;
  if (bare.text.starts_with('#')) bare.text = trim(bare.text.substr(1));
  return is_time_name(column_named(bare, 1));
}

bool is_time_name(const ShapeColumn& column) {
  const std::string name = lower(column.brief);
  return is_one(name, kTimes) || is_one(name, kForeignTimes);
}

std::optional<DateOrder> order_named(const ShapeColumn& column) {
  const std::string name = lower(column.name + " " + column.unit);
  for (const char mark : {'/', '.', '-'}) {
    const std::string month = std::string("mm") + mark, day = std::string("dd") + mark;
    if (name.find(std::string(1, mark) + month) == std::string::npos &&
        name.find(month + "dd") != std::string::npos) {
      return DateOrder::month_first;
    }
    if (name.find(day + "mm") != std::string::npos) return DateOrder::day_first;
  }
  return std::nullopt;
}

bool is_duration(const ShapeColumn& column) {
  const std::string name = lower(column.brief);
  return name.find("elapsed") != std::string::npos || name.find("duration") != std::string::npos;
}

bool may_be_unix_time(const ShapeColumn& column) {
  std::string name = lower(column.brief);
  std::replace(name.begin(), name.end(), ' ', '_');
  return is_one(name, kUnixTimes);
}

void ColumnLook::add(std::string_view text) {
  if (is_missing(text)) return;
  const std::optional<std::uint64_t> number = whole_number(text);
  if (!any_) {
    time_ = looks_like_time(text);
    known_ = time_key(text, DateOrder::day_first) || time_key(text, DateOrder::month_first);
    date_ = is_date(text);
    clock_ = is_clock(text);
  }
  number_ = number_ || looks_like_number(text);
  unix_ = unix_ && is_unix_time(text);
  half_ = half_ && is_half(text);
  bare_ = bare_ && may_have_half(text);
  whole_ = whole_ && number;
  rising_ = rising_ && number && (!any_ || *number > last_);
  by_one_ = by_one_ && number && (!any_ || *number == last_ + 1);
  if (!any_) first_ = number.value_or(0);
  ++count_;
  last_ = number.value_or(0);
  any_ = true;
  if (number || looks_like_time(text)) return;
  if (has_decimal_comma(text)) {
    fraction_ = fraction_ || !may_be_thousands(text, ',');
    if (!std::exchange(comma_, true)) thousands_ = text;
    if (fraction_) thousands_.clear();
  }
  point_ = point_ || (text.find('.') != std::string_view::npos && looks_like_number(text));
}

bool ColumnLook::numbers_rows() const {
  return by_one_ && count_ >= (first_ <= 1 ? kFewestNumbered : kManyNumbered);
}

bool ColumnLook::counts(const ShapeColumn& column, std::size_t place) const {
  if (!any_ || !whole_ || column.role != Role::measurement) return false;
  const std::string name = lower(column.brief);
  if (!is_one(lower(column.unit), kCounterUnits)) return false;
  if (is_one(name, kCounters) || column.unit == "RN") return true;
  const bool first = place == 1 && is_one(name, kFirstCounters);
  return rising_ && (first || is_one(name, kLikeCounters));
}

}  // namespace spillway::kinds
