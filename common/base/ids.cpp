#include "spillway/ids.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace spillway {
namespace {

bool is_device_char(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }

template <class T>
bool parse_whole(std::string_view text, int base, T& out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string to_string(TaskId id) {
  char text[48];
  std::snprintf(text, sizeof text, "%016llx-%llu", static_cast<unsigned long long>(id.origin.value),
                static_cast<unsigned long long>(id.seq));
  return text;
}

Result<TaskId> parse_task_id(std::string_view text) {
  TaskId id;
  if (text.size() > 17 && text[16] == '-' && parse_whole(text.substr(0, 16), 16, id.origin.value) &&
      parse_whole(text.substr(17), 10, id.seq) && id.seq > 0) {
    return id;
  }
  return fail(Code::invalid_argument,
              "'" + std::string(text.substr(0, 64)) +
                  "' is not a task id; one looks like 7f3a9c21d04b55e6-142");
}

Result<std::string> check_device_id(std::string_view text) {
  bool good = text.size() >= 3 && text.size() <= 63 && text.front() != '-' &&
              std::all_of(text.begin(), text.end(), is_device_char);
  if (good) return std::string(text);
  return fail(Code::invalid_argument,
              "'" + std::string(text.substr(0, 64)) +
                  "' is not a device id: 3 to 63 of a-z, 0-9 and '-', not starting with '-'");
}

}  // namespace spillway
