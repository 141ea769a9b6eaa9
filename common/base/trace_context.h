#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "spillway/ids.h"
#include "spillway/status.h"

// Which trace a task belongs to, in the words of W3C's Trace Context. A task that was submitted
// with a traceparent goes on with its trace; any other is the root of one whose number follows from
// its id, so that device and cloud name the same trace without having told each other.
namespace spillway {

struct TraceContext {
  std::string trace_id;   // 32 hex digits
  std::string parent_id;  // 16, of the span that the task is a child of; empty: it is the root
  bool operator==(const TraceContext&) const = default;
};

// Reads a traceparent of version 00, or of a later one as far as that reads like it; else none.
std::optional<TraceContext> parse_traceparent(std::string_view text);

// The trace of a spec that somebody submits: empty, or a traceparent.
Status check_trace(std::string_view given);

// `given` is the spec's; what is no traceparent counts as not given.
TraceContext trace_of(std::string_view given, TaskId id);

// What of an attempt a span is about. Numbers are only appended: other tools may have seen the ids.
enum class SpanPart : std::uint8_t { task, queued, run, answer, attempt };
// 16 hex digits, the same wherever they are asked for.
std::string span_id(TaskId id, Epoch epoch, SpanPart part);

// The traceparent that a message about this attempt carries.
std::string traceparent(std::string_view given, TaskId id, Epoch epoch);

}  // namespace spillway
