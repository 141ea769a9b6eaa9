#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cloud/fleet/views.h"
#include "common/base/trace_context.h"

// Where a task's time went, put together from what the cloud saw and what the task's device told.
// Pure.
namespace spillway::cloud {

enum class Lane : std::uint8_t { edge, link, cloud };
std::string_view to_string(Lane lane);

struct PathSpan {
  SpanPart part = SpanPart::queued;  // queued, run or answer
  Lane lane = Lane::cloud;
  std::string host;
  Wall from{};             // by the cloud's clock, as near as that is known
  std::optional<Wall> to;  // none: under way
  Epoch epoch;
  bool ghost = false;  // of an attempt that did not count
  std::string note;
};

struct TaskPath {
  TaskId id;
  std::string device, kind;
  TraceContext trace;
  Lane owner = Lane::edge;  // whose task it is: a device's, or the cloud's
  Wall began{};
  std::optional<Wall> ended;
  Epoch epoch;          // the latest known
  std::string problem;  // why it did not succeed, once it ended; empty: it did
  // How far the device's lane may be off, once its clock was set by the cloud's: half of what the
  // round trip of its latest attempt here took and nobody accounts for.
  Duration skew{};
  std::vector<PathSpan> spans;
};

// At least one of them is there.
TaskPath path_of(const std::optional<OffloadedTask>& seen, const ToldStory* told,
                 const std::string& host);

}  // namespace spillway::cloud
