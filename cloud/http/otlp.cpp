#include "cloud/http/otlp.h"

#include <boost/json.hpp>
#include <cstdio>

namespace spillway::cloud::http {
namespace {

namespace json = boost::json;

// Of opentelemetry/proto/trace/v1/trace.proto.
constexpr int kInternal = 1, kConsumer = 5;  // SpanKind
constexpr int kOk = 1, kError = 2;           // StatusCode
enum Part : unsigned { kWhole = 1, kQueued = 2, kRun = 3 };

std::string hex(std::uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

std::string trace_id(const TaskId& id) { return hex(id.origin.value) + hex(id.seq); }
std::string span_id(const CloudTask& task, Part part) {
  return hex(std::uint64_t(task.epoch.value) << 8 | part);
}

// The JSON mapping of protobuf writes 64-bit numbers as texts.
json::string nanoseconds(Duration since_1970) {
  return json::string(std::to_string(since_1970.count() * 1000));
}

json::object text(std::string_view key, std::string_view value) {
  return {{"key", key}, {"value", json::object{{"stringValue", value}}}};
}
json::object whole(std::string_view key, std::uint64_t value) {
  return {{"key", key}, {"value", json::object{{"intValue", std::to_string(value)}}}};
}

json::object span(const CloudTask& task, Part part, std::string name, int kind, Duration from,
                  Duration to) {
  return {{"traceId", trace_id(task.id)},
          {"spanId", span_id(task, part)},
          {"parentSpanId", part == kWhole ? "" : span_id(task, kWhole)},
          {"name", std::move(name)},
          {"kind", kind},
          {"startTimeUnixNano", nanoseconds(from)},
          {"endTimeUnixNano", nanoseconds(std::max(from, to))},
          {"attributes", json::array{}},
          {"status", json::object{}}};
}

json::object whole_span(const CloudTask& task) {
  json::object root = span(task, kWhole, task.kind.empty() ? "task" : task.kind, kConsumer,
                           task.accepted, *task.ended);
  root["attributes"] = json::array{
      text("spillway.task.id", to_string(task.id)), text("spillway.task.kind", task.kind),
      text("spillway.device", task.device), text("spillway.band", to_string(task.band)),
      whole("spillway.epoch", task.epoch.value)};
  root["status"] = task.failure == FailureClass::none
                       ? json::object{{"code", kOk}}
                       : json::object{{"code", kError}, {"message", to_string(task.failure)}};
  return root;
}

}  // namespace

json::value otlp_of(const CloudTask& task, const std::string& host, const std::string& version) {
  json::array spans;
  if (task.ended) spans.push_back(whole_span(task));
  if (task.started) {
    spans.push_back(span(task, kQueued, "queued", kInternal, task.accepted, *task.started));
    if (task.ended) spans.push_back(span(task, kRun, "run", kInternal, *task.started, *task.ended));
  }
  json::object resource{{"attributes", json::array{text("service.name", "spillway-cloud"),
                                                   text("service.version", version),
                                                   text("service.instance.id", host)}}};
  json::object scope{{"name", "spillway"}, {"version", version}};
  return json::object{
      {"resourceSpans",
       json::array{
           json::object{{"resource", std::move(resource)},
                        {"scopeSpans", json::array{json::object{{"scope", std::move(scope)},
                                                                {"spans", std::move(spans)}}}}}}}};
}

}  // namespace spillway::cloud::http
