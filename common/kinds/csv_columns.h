#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/kinds/csv_lines.h"
#include "common/kinds/csv_time.h"

namespace spillway::kinds {

// `once`: that which is filled at the beginning alone, as of a serial number.
enum class Role : std::uint8_t { measurement, counter, once, label, time, unused };

struct ShapeColumn {
  std::string name;   // as written, but with its place where others have the same
  std::string brief;  // the name without a unit behind it
  std::string unit;   // empty when there is none
  Role role = Role::measurement;
  bool nameless = false;  // though the others have names
  char decimal = '.';     // the mark of its numbers
  std::string shared;     // the name as written, which others have, too
  std::string thousands;  // the first number whose comma may be of thousands, where none tells
};

// What a name alone says; `place` counts from 1.
ShapeColumn column_named(const Field& field, std::size_t place);

// What the values of a column's first rows look like.
class ColumnLook {
 public:
  void add(std::string_view text);

  // Whether the first value looks like a time; where numbers stand, too, it is for those who read
  // the rows to say that one of them is odd.
  bool time() const { return time_ && !number_; }
  bool known_time() const { return known_; }           // the first value is a time that exists
  bool date_alone() const { return date_; }            // it is a date alone
  bool clock_alone() const { return clock_; }          // it is a time of day alone
  bool unix_times() const { return any_ && unix_; }    // all of them
  bool halves() const { return any_ && half_; }        // all are AM or PM
  bool lacks_halves() const { return any_ && bare_; }  // all are times that AM or PM may follow
  bool comma() const { return comma_; }
  bool point() const { return point_; }
  // The first number with a comma, when what stands behind each may be thousands.
  const std::string& thousands() const { return thousands_; }
  // Whether this is the column of a record counter, by the rules of find_shape.
  bool counts(const ShapeColumn& column, std::size_t place) const;
  // Whether the values number the rows: from 0 or 1, or so many that they need not begin there.
  bool numbers_rows() const;

 private:
  bool any_ = false;
  bool time_ = false, known_ = false, date_ = false, clock_ = false;
  bool number_ = false;
  bool unix_ = true, half_ = true, bare_ = true;
  bool comma_ = false, point_ = false, fraction_ = false;
  bool whole_ = true, rising_ = true, by_one_ = true;
  std::uint64_t first_ = 0;
  std::size_t count_ = 0;
  std::uint64_t last_ = 0;
  std::string thousands_;
};

// Whether a field is what columns of times are called, be it behind a # or before a unit.
bool names_time(const Field& field);
bool is_time_name(const ShapeColumn& column);

// The order of dates that a name says, such as Date (MM/DD/YYYY).
std::optional<DateOrder> order_named(const ShapeColumn& column);

// By its name a span of time and no point in it.
bool is_duration(const ShapeColumn& column);

// A column whose numbers count seconds, when they can.
bool may_be_unix_time(const ShapeColumn& column);

}  // namespace spillway::kinds
