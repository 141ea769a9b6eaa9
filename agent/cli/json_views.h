#pragma once

#include "agent/cli/json_writer.h"
#include "spillway/view.h"

// Views as JSON objects. Spans are seconds, instants ISO 8601 in UTC; keys are always the same for
// a type, except that a task has spec, result, waits_for and events only where it is shown alone.
namespace spillway::cli {

void write(JsonWriter& json, const TaskView& task);
void write(JsonWriter& json, const EventView& event);
void write(JsonWriter& json, const WhyReport& report);
void write(JsonWriter& json, const PlaceView& place);
void write(JsonWriter& json, const NodeView& node);
void write(JsonWriter& json, const LossView& loss);

template <class T>
std::string json_text(const T& view) {
  JsonWriter json;
  write(json, view);
  return json.text();
}

template <class T>
std::string json_list(const std::vector<T>& views) {
  JsonWriter json;
  json.begin_array();
  for (const T& view : views) write(json, view);
  return json.end_array().text();
}

}  // namespace spillway::cli
