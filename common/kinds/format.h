#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace spillway::kinds {

// A finite number to 9 significant digits, in the shortest of fixed and scientific form; the same
// text on every CPU. Neither NaN nor infinity is JSON: both become "null".
std::string format_number(double value);

// Hostile text made fit for one line of a message: at most 48 characters of UTF-8, what is none or
// not printable as '?'.
std::string printable(std::string_view text);

// Writes one compact JSON value from start to end; commas are its own business. The caller keeps
// begin and end, and names and values, in pairs. One thread.
class JsonWriter {
 public:
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& name(std::string_view key);
  JsonWriter& text(std::string_view value);
  JsonWriter& number(double value);
  JsonWriter& count(std::uint64_t value);
  JsonWriter& null();
  JsonWriter& numbers(std::span<const double> values);
  const std::string& done() const { return out_; }

 private:
  void separate();
  void quote(std::string_view value);

  std::string out_;
  bool follows_ = false;  // a value precedes at this level
};

}  // namespace spillway::kinds
