#include "cloud/api/views_json.h"

#include <boost/json.hpp>
#include <cmath>

#include "cloud/http/encoding.h"

namespace spillway::cloud::api {
namespace {

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

json::value time_of(Duration since_1970) { return json::string(http::rfc3339(since_1970)); }
// 0 stands for never.
json::value time_unless_zero(Duration at) {
  return at == Duration::zero() ? json::value(nullptr) : time_of(at);
}

json::value value_of(const DeviceMetric& metric, const wire::Metrics& metrics) {
  if (metric.unit != Unit::count && metric.unit != Unit::bytes) {
    auto value = metric.value(metrics);
    return value ? json::value(*value) : json::value(nullptr);
  }
  auto value = metric.read(metrics);
  return value ? json::value(*value) : json::value(nullptr);
}

template <class E, std::size_t N>
json::object counts_of(const std::array<std::uint64_t, N>& counts) {
  json::object object;
  for (std::size_t i = 0; i < N; ++i) object[to_string(E(i))] = counts[i];
  return object;
}

json::object quantiles(const Percentiles& times) {
  auto value = [](Duration time) {
    return time == Duration::zero() ? json::value(nullptr) : json::value(seconds(time));
  };
  return {{"p50_s", value(times.p50)}, {"p95_s", value(times.p95)}};
}

json::array reasons_of(Reasons reasons) {
  json::array list;
  for (std::size_t i = 0; i < kReasons; ++i) {
    if (reasons.has(Reason(i))) list.emplace_back(to_string(Reason(i)));
  }
  return list;
}

template <class T>
json::array plain_list(const std::vector<T>& items) {
  json::array list;
  for (const T& item : items) list.emplace_back(item);
  return list;
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::object row_of(const DeviceRow& row) {
  json::object object = {{"id", row.name},
                         {"health", to_string(row.health)},
                         {"reasons", reasons_of(row.reasons)},
                         {"since", time_unless_zero(row.since)},
                         {"online", row.online},
                         {"last_seen", time_unless_zero(row.last_seen)},
                         {"group", row.group},
                         {"labels", plain_list(row.labels)},
                         {"version", row.version},
                         {"machine", row.machine}};
  for (const DeviceMetric& metric : kDeviceMetrics) {
    object[metric.field] = value_of(metric, row.metrics);
  }
  return object;
}

json::value update_of(const std::optional<wire::UpdateReport>& update) {
  if (!update) return nullptr;
  return json::object{{"phase", to_string(update->phase)},
                      {"slot", update->slot},
                      {"source", update->source},
                      {"detail", update->detail},
                      {"received_bytes", update->received}};
}

constexpr std::string_view kLeaseStates[] = {"accepted", "running", "done", "answered"};

}  // namespace

json::value time_or_null(std::optional<Duration> since_1970) {
  return since_1970 ? time_of(*since_1970) : json::value(nullptr);
}

json::value json_of(const FleetSummary& s) {
  return json::object{{"at", time_of(s.at)},
                      {"devices", s.devices},
                      {"online", s.online},
                      {"health", counts_of<Health>(s.health)},
                      {"reasons", counts_of<Reason>(s.reasons)},
                      {"tasks_per_s", s.done_local + s.done_cloud},
                      {"done_local_per_s", s.done_local},
                      {"done_cloud_per_s", s.done_cloud},
                      {"offload_ratio", s.offload},
                      {"local", quantiles(s.local)},
                      {"cloud", quantiles(s.cloud)},
                      {"edge_backlog", s.backlog},
                      {"edge_oldest_s", seconds(s.backlog_oldest)},
                      {"cloud_queue", s.cloud_queue},
                      {"cloud_oldest_s", seconds(s.cloud_queue_oldest)},
                      {"cloud_restored", time_or_null(s.cloud_restored)},
                      {"store_problem", s.store_problem},
                      {"duplicates_suppressed", s.duplicates},
                      {"lost", s.lost},
                      {"failed", s.failed},
                      {"alerts_firing", s.firing},
                      {"messages_per_s", s.messages}};
}

json::value json_of(const DeviceRow& row) { return row_of(row); }

json::value json_of(const DeviceView& device) {
  json::object object = row_of(device.row);
  json::array kinds, cores;
  for (const wire::KindInfo& kind : device.birth.kinds) {
    json::object shown{{"name", kind.name}, {"version", kind.version}};
    if (kind.digest != Digest{}) shown["sha256"] = to_hex(kind.digest);
    kinds.push_back(std::move(shown));
  }
  for (std::uint8_t percent : device.cores) cores.emplace_back(percent / 100.0);
  json::object metrics;
  for (std::size_t i = 0; i < wire::kMetrics; ++i) {
    if (auto value = device.row.metrics.find(wire::Metric(i))) {
      metrics[wire::to_string(wire::Metric(i))] = *value;
    }
  }
  object["revision"] = device.revision;
  object["workers"] = device.birth.workers;
  object["memory_bytes"] = device.birth.memory;
  object["tags"] = plain_list(device.birth.tags);
  object["kinds"] = std::move(kinds);
  object["session"] = device.session;
  object["first_seen"] = time_unless_zero(device.first_seen);
  object["kernel"] = device.kernel;
  object["note"] = device.note;
  object["update"] = update_of(device.update);
  object["measured"] = time_unless_zero(device.measured);
  object["measured_there"] = time_unless_zero(device.measured_there);
  object["cores_ratio"] = std::move(cores);
  object["metrics"] = std::move(metrics);
  return object;
}

json::value json_of(const DeviceFacets& facets) {
  auto list = [](const std::vector<Facet>& found) {
    json::array items;
    for (const Facet& facet : found) {
      items.push_back(json::object{{"value", facet.value}, {"count", facet.count}});
    }
    return items;
  };
  return json::object{{"health", counts_of<Health>(facets.health)},
                      {"reasons", counts_of<Reason>(facets.reasons)},
                      {"groups", list(facets.groups)},
                      {"versions", list(facets.versions)}};
}

json::value json_of(const SessionView& session) {
  return json::object{
      {"session", session.session},
      {"from", time_of(session.from)},
      {"until", time_or_null(session.until)},
      {"ended", session.ended ? json::value(to_string(*session.ended)) : json::value(nullptr)}};
}

json::value json_of(const FleetEvent& event) {
  return json::object{{"id", event.id},
                      {"at", time_of(event.at)},
                      {"device", text_or_null(event.device)},
                      {"what", to_string(event.kind)},
                      {"detail", event.detail}};
}

json::value json_of(const LossTotal& loss) {
  return json::object{{"class", loss.what},
                      {"cause", loss.cause},
                      {"count", loss.count},
                      {"at_least", loss.at_least},
                      {"from", time_unless_zero(loss.from)},
                      {"until", time_unless_zero(loss.until)}};
}

json::value json_of(const OffloadedTask& task) {
  auto span = [&](Duration time) {
    return task.ended ? json::value(seconds(time)) : json::value(nullptr);
  };
  return json::object{{"id", to_string(task.id)},
                      {"device", task.device},
                      {"state", kLeaseStates[std::size_t(task.state)]},
                      {"kind", task.kind},
                      {"band", to_string(task.band)},
                      {"epoch", task.epoch.value},
                      {"failure", to_string(task.failure)},
                      {"accepted", time_of(task.accepted)},
                      {"started", time_or_null(task.started)},
                      {"ended", time_or_null(task.ended)},
                      {"ran_s", span(task.ran)},
                      {"cpu_s", span(task.cpu)}};
}

json::value json_of(const KindTotals& kind) {
  return json::object{{"name", kind.kind},
                      {"accepted", kind.accepted},
                      {"done", kind.done},
                      {"failed", kind.failed},
                      {"run", quantiles(kind.ran)}};
}

json::value json_of(const Alert& alert) {
  return json::object{{"id", alert.id},
                      {"rule", alert.rule},
                      {"title", alert.title},
                      {"severity", to_string(alert.severity)},
                      {"device", text_or_null(alert.device)},
                      {"firing", alert.firing},
                      {"fired", time_of(alert.fired)},
                      {"resolved", time_or_null(alert.resolved)},
                      {"value", std::isfinite(alert.value) ? alert.value : 0.0},
                      {"acknowledged_by", text_or_null(alert.acknowledged_by)},
                      {"note", alert.note},
                      {"silenced_until", time_or_null(alert.silenced_until)}};
}

json::value json_of(const AlertRule& rule) {
  constexpr std::string_view kCompares[] = {"above", "below", "is"};
  return json::object{{"id", rule.id},
                      {"title", rule.title},
                      {"severity", to_string(rule.severity)},
                      {"scope", rule.scope == AlertRule::Scope::fleet ? "fleet" : "device"},
                      {"subject", rule.subject},
                      {"compare", kCompares[std::size_t(rule.compare)]},
                      {"value", rule.value},
                      {"lasting_s", seconds(rule.lasting)},
                      {"group", rule.group},
                      {"enabled", rule.enabled}};
}

json::value json_of(const Silence& silence) {
  return json::object{{"id", silence.id},
                      {"rule", silence.rule},
                      {"device", silence.device},
                      {"group", silence.group},
                      {"until", time_of(silence.until)},
                      {"by", silence.by},
                      {"note", silence.note}};
}

json::value json_of(const access::TokenRow& token) {
  return json::object{{"id", token.id},
                      {"name", token.name},
                      {"scope", to_string(token.scope)},
                      {"created", time_of(token.created)},
                      {"expires", time_or_null(token.expires)},
                      {"last_used", time_or_null(token.last_used)}};
}

json::value json_of(const access::SessionRow& session) {
  return json::object{{"id", access::id_of(session.secret)},
                      {"name", session.name},
                      {"scope", to_string(session.scope)},
                      {"token", text_or_null(session.token)},
                      {"from", session.peer},
                      {"created", time_of(session.created)},
                      {"expires", time_of(session.expires)}};
}

json::value json_of(const access::AuditRow& line) {
  return json::object{{"seq", line.seq},
                      {"at", time_of(line.at)},
                      {"who", line.who},
                      {"token", text_or_null(line.token)},
                      {"session", text_or_null(line.session)},
                      {"from", line.from},
                      {"operation", line.operation},
                      {"target", line.target},
                      {"status", line.status},
                      {"unwritten", line.unwritten},
                      {"request", line.request}};
}

json::value json_of(const FleetChange& change) {
  return json::object{{"summary", json_of(change.summary)},
                      {"devices", json_list(change.devices)},
                      {"more", change.more},
                      {"tasks", json_list(change.tasks)},
                      {"events", json_list(change.events)},
                      {"alerts", json_list(change.alerts)}};
}

http::Response json_response(const json::value& value, unsigned status) {
  http::Response response;
  response.status = status;
  response.content_type = "application/json";
  response.headers.emplace_back("cache-control", "no-store");
  response.body = json::serialize(value);
  return response;
}

}  // namespace spillway::cloud::api
