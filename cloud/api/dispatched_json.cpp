#include "cloud/api/dispatched_json.h"

#include <algorithm>
#include <boost/json.hpp>

#include "cloud/http/encoding.h"
#include "common/base/grants.h"

namespace spillway::cloud::api {
namespace {

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

json::object row_of(const DispatchedTaskView& task) {
  return {{"id", to_string(task.id)},
          {"device", task.device},
          {"kind", task.kind},
          {"state", to_string(task.state)},
          {"reason", to_string(task.reason)},
          {"band", to_string(task.band)},
          {"epoch", task.epoch.value},
          {"grants", grants_of(task.epoch)},
          {"attempts", task.attempts},
          {"crashes", task.crashes},
          {"losses", task.losses},
          {"last_failure", to_string(task.last_failure)},
          {"created", http::rfc3339(task.created)},
          {"since", http::rfc3339(task.since)},
          {"deadline", time_or_null(task.deadline)}};
}

json::value text_or_null(ByteView bytes) {
  const bool plain = std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) {
    return (byte >= ' ' && byte < 0x7f) || byte == '\n' || byte == '\t' || byte == '\r';
  });
  return plain ? json::value(as_text(bytes)) : json::value(nullptr);
}

json::value result_of(const TaskResult& result) {
  json::object object{{"value_text", text_or_null(result.value.bytes)},
                      {"value_base64url", http::base64url(result.value.bytes)},
                      {"cpu_s", seconds(result.cost.cpu)},
                      {"bytes_sent", result.cost.bytes_down},
                      {"bytes_received", result.cost.bytes_up},
                      {"error", nullptr}};
  if (result.error) {
    object["error"] = json::object{{"failure", to_string(result.error->failure)},
                                   {"code", to_string(result.error->code)},
                                   {"message", result.error->message}};
  }
  return object;
}

}  // namespace

json::value json_of(const DispatchedTaskView& task) { return row_of(task); }

json::value json_of(const DispatchedTaskDetail& task) {
  json::object object = row_of(task.task);
  object["group"] = to_string(task.group);
  json::object& labels = object["labels"].emplace_object();
  for (const auto& [key, label] : task.labels) labels[key] = label;
  object["waits_because"] = task.waits_because;
  object["result"] = task.result ? result_of(*task.result) : json::value(nullptr);
  json::array events;
  for (const DispatchedEventView& event : task.events) {
    events.push_back(json::object{{"at", http::rfc3339(event.at)},
                                  {"what", event.what},
                                  {"epoch", event.epoch.value},
                                  {"failure", to_string(event.failure)},
                                  {"detail", event.detail}});
  }
  object["events"] = std::move(events);
  return object;
}

json::value json_of(const GroupView& group) {
  json::object states;
  for (std::size_t i = 0; i < group.by_state.size(); ++i) {
    states[to_string(TaskState(i))] = group.by_state[i];
  }
  return json::object{{"id", to_string(group.group)},
                      {"size", group.group.size},
                      {"kind", group.kind.empty() ? json::value(nullptr) : json::value(group.kind)},
                      {"created", time_or_null(group.created)},
                      {"states", std::move(states)},
                      {"forgotten", group.forgotten}};
}

}  // namespace spillway::cloud::api
