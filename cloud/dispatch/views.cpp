#include "cloud/dispatch/views.h"

#include <charconv>

namespace spillway::cloud {

std::string to_string(const GroupId& group) {
  return to_string(group.first) + "x" + std::to_string(group.size);
}

Result<GroupId> parse_group_id(std::string_view text) {
  const auto bad = [&] {
    return fail(Code::invalid_argument, "'" + std::string(text.substr(0, 64)) +
                                            "' is not a group's id, e.g. 7f3a9c21d04b55e6-142x3");
  };
  const std::size_t cut = text.find('x');
  if (cut == text.npos) return bad();
  Result<TaskId> first = parse_task_id(text.substr(0, cut));
  GroupId group;
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data() + cut + 1, end, group.size);
  if (!first || error != std::errc() || last != end || group.size == 0) return bad();
  group.first = *first;
  return group;
}

Error no_such_task(TaskId id) {
  return fail(Code::not_found, "nobody submitted a task " + to_string(id) +
                                   " to a device, or its retention is over");
}

Error no_such_group(const GroupId& group) {
  return fail(Code::not_found, "there is no group " + to_string(group) + " of tasks for devices");
}

Error no_room(std::string what) {
  Error error = fail(Code::busy, std::move(what));
  error.retry_after = std::chrono::seconds(30);
  return error;
}

}  // namespace spillway::cloud
