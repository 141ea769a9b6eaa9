#include "common/kinds/format.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "common/base/utf8.h"

namespace spillway::kinds {
namespace {

constexpr int kDigits = 9;
constexpr std::size_t kMostPrinted = 48;

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

std::string format_number(double value) {
  if (!std::isfinite(value)) return "null";
  if (value == 0) return "0";  // also for -0, which means nothing to a reader
  char text[32];
  auto [end, error] =
      std::to_chars(text, text + sizeof text, value, std::chars_format::general, kDigits);
  return {text, end};
}

std::string printable(std::string_view text) {
  std::string shown;
  std::size_t at = 0;
  for (std::size_t printed = 0; at < text.size() && printed < kMostPrinted; ++printed) {
    const std::size_t length = utf8_length(text.substr(at));
    const std::string_view character = text.substr(at, std::max<std::size_t>(length, 1));
    if (length == 0 || steers(character)) {
      shown.push_back('?');
    } else {
      shown += character;
    }
    at += character.size();
  }
  return at < text.size() ? shown + "..." : shown;
}

JsonWriter& JsonWriter::begin_object() {
  separate();
  out_ += '{';
  follows_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  out_ += '}';
  follows_ = true;
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  separate();
  out_ += '[';
  follows_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  out_ += ']';
  follows_ = true;
  return *this;
}

JsonWriter& JsonWriter::name(std::string_view key) {
  separate();
  quote(key);
  out_ += ':';
  follows_ = false;
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view value) {
  separate();
  quote(value);
  return *this;
}

JsonWriter& JsonWriter::number(double value) {
  separate();
  out_ += format_number(value);
  return *this;
}

JsonWriter& JsonWriter::count(std::uint64_t value) {
  separate();
  out_ += std::to_string(value);
  return *this;
}

JsonWriter& JsonWriter::null() {
  separate();
  out_ += "null";
  return *this;
}

JsonWriter& JsonWriter::numbers(std::span<const double> values) {
  begin_array();
  for (double value : values) number(value);
  return end_array();
}

void JsonWriter::separate() {
  if (follows_) out_ += ',';
  follows_ = true;
}

void JsonWriter::quote(std::string_view value) {
  constexpr char kHex[] = "0123456789abcdef";
  out_ += '"';
  while (!value.empty()) {
    std::size_t length = utf8_length(value);
    char c = value[0];
    if (length == 0) {
      out_ += "\xef\xbf\xbd";  // what is not UTF-8 may not stand in JSON
    } else if (is_control(c)) {
      out_ += std::string("\\u00") + kHex[(c >> 4) & 15] + kHex[c & 15];
    } else {
      if (c == '"' || c == '\\') out_ += '\\';
      out_ += value.substr(0, length);
    }
    value.remove_prefix(std::max<std::size_t>(length, 1));
  }
  out_ += '"';
}

}  // namespace spillway::kinds
