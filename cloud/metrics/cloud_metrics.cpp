#include "cloud/metrics/cloud_metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace spillway::cloud {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// Families in the order they are added.
class Families {
 public:
  MetricFamily& add(const std::string& name, const std::string& help, MetricType type) {
    families_.push_back({"spillway_" + name, help, type, {}});
    return families_.back();
  }
  void gauge(const std::string& name, const std::string& help, double value) {
    put(add(name, help, MetricType::Gauge), {}, value);
  }
  void counter(const std::string& name, const std::string& help, double value) {
    put(add(name, help, MetricType::Counter), {}, value);
  }
  static void put(MetricFamily& family, std::vector<ClientMetric::Label> labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    (family.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    family.metric.push_back(std::move(metric));
  }
  std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  std::vector<MetricFamily> families_;
};

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

void add_fleet(Families& out, const FleetSummary& fleet) {
  MetricFamily& health = out.add("fleet_devices", "Known devices by health.", MetricType::Gauge);
  for (std::size_t i = 0; i < kHealths; ++i) {
    Families::put(health, {{"health", std::string(to_string(Health(i)))}}, double(fleet.health[i]));
  }
  MetricFamily& reasons =
      out.add("fleet_devices_reason", "Devices by what is wrong with them.", MetricType::Gauge);
  for (std::size_t i = 0; i < kReasons; ++i) {
    Families::put(reasons, {{"reason", std::string(to_string(Reason(i)))}},
                  double(fleet.reasons[i]));
  }
  out.gauge("fleet_devices_online", "Connected devices.", double(fleet.online));
  out.gauge("fleet_backlog_tasks", "Tasks queued and waiting on devices.", double(fleet.backlog));
  out.gauge("fleet_outbox_oldest_seconds", "Age of the oldest message not acknowledged.",
            seconds(fleet.backlog_oldest));
  MetricFamily& rate = out.add("fleet_tasks_per_second",
                               "Tasks done by place, over the last minute.", MetricType::Gauge);
  Families::put(rate, {{"place", "local"}}, fleet.done_local);
  Families::put(rate, {{"place", "cloud"}}, fleet.done_cloud);
  MetricFamily& latency = out.add("fleet_task_latency_seconds",
                                  "Submit to result by place and percentile.", MetricType::Gauge);
  const std::pair<const char*, const Percentiles*> places[] = {{"local", &fleet.local},
                                                               {"cloud", &fleet.cloud}};
  for (const auto& [place, times] : places) {
    Families::put(latency, {{"place", place}, {"percentile", "50"}}, seconds(times->p50));
    Families::put(latency, {{"place", place}, {"percentile", "95"}}, seconds(times->p95));
  }
  out.counter("fleet_duplicates_suppressed_total", "Late or repeated results that changed nothing.",
              double(fleet.duplicates));
  out.counter("fleet_lost_total", "Things dropped by devices, from their loss ledgers.",
              double(fleet.lost));
  out.counter("fleet_history_dropped_rows_total",
              "Rows of history let go as the store could not write, since start.",
              double(fleet.history_dropped));
  out.counter("fleet_failed_tasks_total", "Tasks that failed for good.", double(fleet.failed));
  out.gauge("cloud_restored",
            "1 once a device said that this state is not the newest, or not the only one.",
            fleet.cloud_restored ? 1 : 0);
  out.gauge("alerts_firing", "Alerts firing and not silenced.", double(fleet.firing));
  out.gauge("fleet_messages_per_second", "Telemetry and presence received.", fleet.messages);
}

void add_cloud(Families& out, const CloudMetrics& metrics) {
  MetricFamily& build = out.add("build_info", "Always 1.", MetricType::Gauge);
  Families::put(build, {{"version", metrics.version}}, 1);
  out.gauge("uptime_seconds", "Since this process began.", metrics.uptime_s);
  out.gauge("broker_connected", "1 while the broker is there.", metrics.broker_connected ? 1 : 0);
  out.gauge("cloud_attempts_held", "Attempts accepted and not done.", double(metrics.held));
  out.gauge("cloud_queue_tasks", "Attempts accepted and not started.",
            double(metrics.fleet.cloud_queue));
  out.gauge("cloud_queue_oldest_seconds", "Age of the oldest of them.",
            seconds(metrics.fleet.cloud_queue_oldest));
  MetricFamily& attempts =
      out.add("cloud_attempts_total", "Attempts by what became of them.", MetricType::Counter);
  for (const auto& [what, count] : metrics.attempts) {
    Families::put(attempts, {{"what", what}}, double(count));
  }
  MetricFamily& kinds =
      out.add("cloud_kind_attempts_total", "Attempts by kind and outcome.", MetricType::Counter);
  for (const KindTotals& kind : metrics.kinds) {
    Families::put(kinds, {{"kind", kind.kind}, {"outcome", "done"}}, double(kind.done));
    Families::put(kinds, {{"kind", kind.kind}, {"outcome", "failed"}}, double(kind.failed));
  }
}

void add_http(Families& out, const HttpLoad& http) {
  out.gauge("http_connections", "Open connections.", double(http.connections));
  out.gauge("http_event_streams", "Open event streams.", double(http.streams));
  out.counter("http_requests_total", "Requests.", double(http.requests));
  MetricFamily& refused =
      out.add("http_refused_total", "Clients refused, by why.", MetricType::Counter);
  Families::put(refused, {{"why", "too_many"}}, double(http.turned_away));
  Families::put(refused, {{"why", "too_slow"}}, double(http.timed_out));
  Families::put(refused, {{"why", "malformed"}}, double(http.malformed));
}

}  // namespace

std::string prometheus_text(const CloudMetrics& metrics) {
  Families out;
  add_cloud(out, metrics);
  add_fleet(out, metrics.fleet);
  add_http(out, metrics.http);
  return out.text();
}

}  // namespace spillway::cloud
