#include "cloud/api/otlp.h"

#include <boost/json.hpp>
#include <set>

namespace spillway::cloud::api {
namespace {

namespace json = boost::json;

// Numbers of opentelemetry/proto/trace/v1/trace.proto.
constexpr int kInternal = 1, kConsumer = 5;  // SpanKind
constexpr int kOk = 1, kError = 2;           // StatusCode

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

json::object status_of(const std::string& problem) {
  if (problem.empty()) return {{"code", kOk}};
  return {{"code", kError}, {"message", problem}};
}

// The whole task, as its owner has it; only of one that has ended.
json::object root_of(const TaskPath& path) {
  return {{"traceId", path.trace.trace_id},
          {"spanId", span_id(path.id, Epoch{}, SpanPart::task)},
          {"parentSpanId", path.trace.parent_id},
          {"name", path.kind.empty() ? "task" : path.kind},
          {"kind", kConsumer},
          {"startTimeUnixNano", nanoseconds(path.began)},
          {"endTimeUnixNano", nanoseconds(*path.ended)},
          {"attributes",
           json::array{text("spillway.task.id", to_string(path.id)),
                       text("spillway.task.kind", path.kind), text("spillway.device", path.device),
                       whole("spillway.epoch", path.epoch.value)}},
          {"status", status_of(path.problem)}};
}

// Several of an attempt may be about the same part, in different lanes, or in one lane one after
// the other: a task waits before an attempt, and after it. Spans keep their order, so that each has
// the same id again.
class SpanIds {
 public:
  explicit SpanIds(TaskId task) : task_(task), given_{span_id(task, Epoch{}, SpanPart::task)} {}
  std::string next(const PathSpan& span) {
    const auto part = SpanPart(std::uint8_t(span.part) + 16 * std::uint8_t(span.lane));
    std::string id = span_id(task_, span.epoch, part);
    // Epochs that no attempt comes to.
    for (std::uint32_t none = ~0U; !given_.insert(id).second; --none) {
      id = span_id(task_, Epoch{none}, part);
    }
    return id;
  }

 private:
  TaskId task_;
  std::set<std::string> given_;
};

json::object span_of(const TaskPath& path, const PathSpan& span, const std::string& id) {
  constexpr std::string_view kParts[] = {"task", "queued", "run", "answer", "attempt"};
  json::object made{{"traceId", path.trace.trace_id},
                    {"spanId", id},
                    {"parentSpanId", span_id(path.id, Epoch{}, SpanPart::task)},
                    {"name", kParts[std::size_t(span.part)]},
                    {"kind", kInternal},
                    {"startTimeUnixNano", nanoseconds(span.from)},
                    {"endTimeUnixNano", nanoseconds(std::max(span.from, *span.to))},
                    {"attributes", json::array{text("spillway.lane", to_string(span.lane)),
                                               whole("spillway.epoch", span.epoch.value)}},
                    {"status", json::object{}}};
  if (span.ghost) made["status"] = json::object{{"code", kError}, {"message", span.note}};
  return made;
}

json::object resource_of(std::string_view service, const std::string& host,
                         const std::string& version, json::array spans) {
  json::array attributes{text("service.name", service), text("service.instance.id", host)};
  if (!version.empty()) attributes.push_back(text("service.version", version));
  json::object scope{{"name", "spillway"}, {"version", version}};
  return {{"resource", json::object{{"attributes", std::move(attributes)}}},
          {"scopeSpans",
           json::array{json::object{{"scope", std::move(scope)}, {"spans", std::move(spans)}}}}};
}

}  // namespace

json::value otlp_of(const TaskPath& path, const std::string& version) {
  json::array device, cloud;
  if (path.ended) (path.owner == Lane::cloud ? cloud : device).push_back(root_of(path));
  std::string host;
  SpanIds ids(path.id);
  for (const PathSpan& span : path.spans) {
    if (span.lane == Lane::cloud) host = span.host;
    const std::string id = ids.next(span);
    if (span.to) (span.lane == Lane::cloud ? cloud : device).push_back(span_of(path, span, id));
  }
  json::array resources;
  // The device's own version is not this one's.
  if (!device.empty()) {
    resources.push_back(resource_of("spillway-agent", path.device, "", std::move(device)));
  }
  if (!cloud.empty()) {
    resources.push_back(resource_of("spillway-cloud", host, version, std::move(cloud)));
  }
  return json::object{{"resourceSpans", std::move(resources)}};
}

}  // namespace spillway::cloud::api
