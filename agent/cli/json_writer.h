#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "spillway/bytes.h"
#include "spillway/time.h"

namespace spillway::cli {

// JSON on one line, members in the order of the calls, so that equal values give equal text. What
// is not UTF-8 becomes U+FFFD; numbers that are not finite become null. One thread.
class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool flag) { return raw(flag ? "true" : "false"); }
  JsonWriter& value(double number);
  template <std::integral T>
  JsonWriter& value(T number) {
    return raw(std::to_string(number));
  }
  JsonWriter& value(Duration seconds);  // exactly, as seconds
  JsonWriter& null() { return raw("null"); }

  template <class T>
  JsonWriter& member(std::string_view name, const T& content) {
    return key(name).value(content);
  }

  const std::string& text() const { return text_; }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  JsonWriter& raw(std::string_view token);
  void separate();
  void quote(std::string_view text);

  std::string text_;
  bool first_ = true;
};

std::string base64(ByteView bytes);

}  // namespace spillway::cli
