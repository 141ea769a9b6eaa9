#include "cloud/fleet/views.h"

#include <algorithm>
#include <iterator>

namespace spillway::cloud {
namespace {

constexpr std::string_view kHealthNames[] = {"operational", "degraded",     "updating",
                                             "sleeping",    "disconnected", "never_seen",
                                             "quarantined", "revoked"};
static_assert(std::size(kHealthNames) == kHealths);
constexpr std::string_view kReasonNames[] = {
    "backlog_growing",   "hot",           "battery_low",
    "link_poor",         "clock_wrong",   "certificate_expiring",
    "disk_low",          "tasks_failing", "data_lost",
    "heartbeats_missed", "will",          "goodbye",
    "restored",          "cloned",        "flooding"};
static_assert(std::size(kReasonNames) == kReasons);
constexpr auto kSortNames = [] {
  std::array<std::string_view, kPlainSorts + kDeviceMetrics.size()> names = {"name", "health",
                                                                             "since", "last_seen"};
  for (std::size_t i = 0; i < kDeviceMetrics.size(); ++i) {
    names[kPlainSorts + i] = kDeviceMetrics[i].name;
  }
  return names;
}();
constexpr auto kDeviceSeriesNames = [] {
  std::array<std::string_view, kDeviceSeries> names;
  for (const DeviceMetric& metric : kDeviceMetrics) {
    if (metric.kept >= 0) names[std::size_t(metric.kept)] = metric.name;
  }
  names[std::size_t(DeviceSeries::done_local)] = "done_local";
  names[std::size_t(DeviceSeries::done_cloud)] = "done_cloud";
  return names;
}();
static_assert(std::ranges::none_of(kDeviceSeriesNames, &std::string_view::empty));
constexpr std::string_view kFleetSeriesNames[] = {
    "online",         "operational", "degraded",    "disconnected", "updating",  "backlog",
    "backlog_oldest", "done_local",  "done_cloud",  "offload",      "local_p50", "local_p95",
    "cloud_p50",      "cloud_p95",   "cloud_queue", "duplicates",   "lost",      "messages"};
static_assert(std::size(kFleetSeriesNames) == kFleetSeries);
constexpr std::string_view kEventNames[] = {"first_seen",     "connected",      "disconnected",
                                            "health_changed", "restarted",      "version_changed",
                                            "alert_fired",    "alert_resolved", "operator_action",
                                            "data_lost",      "update"};
constexpr std::string_view kSessionEndNames[] = {"heartbeats_missed", "will", "goodbye",
                                                 "quarantined", "revoked"};
constexpr std::string_view kSeverityNames[] = {"info", "warning", "critical"};

template <class E>
std::optional<E> find(std::span<const std::string_view> names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return E(found - names.begin());
}

}  // namespace

std::string_view to_string(Health health) { return kHealthNames[std::size_t(health)]; }
std::string_view to_string(Reason reason) { return kReasonNames[std::size_t(reason)]; }
std::string_view to_string(DeviceSort sort) { return kSortNames[std::size_t(sort)]; }
std::string_view to_string(DeviceSeries series) { return kDeviceSeriesNames[std::size_t(series)]; }
std::string_view to_string(FleetSeries series) { return kFleetSeriesNames[std::size_t(series)]; }
std::string_view to_string(FleetEventKind kind) { return kEventNames[std::size_t(kind)]; }
std::string_view to_string(SessionEnd end) { return kSessionEndNames[std::size_t(end)]; }
std::string_view to_string(Severity severity) { return kSeverityNames[std::size_t(severity)]; }

std::span<const std::string_view> health_names() { return kHealthNames; }
std::span<const std::string_view> reason_names() { return kReasonNames; }
std::span<const std::string_view> device_sort_names() { return kSortNames; }
std::span<const std::string_view> device_series_names() { return kDeviceSeriesNames; }
std::span<const std::string_view> fleet_series_names() { return kFleetSeriesNames; }
std::span<const std::string_view> severity_names() { return kSeverityNames; }

std::optional<Health> health_of(std::string_view name) { return find<Health>(kHealthNames, name); }
std::optional<Reason> reason_of(std::string_view name) { return find<Reason>(kReasonNames, name); }
std::optional<DeviceSort> device_sort_of(std::string_view name) {
  return find<DeviceSort>(kSortNames, name);
}
std::optional<DeviceSeries> device_series_of(std::string_view name) {
  return find<DeviceSeries>(kDeviceSeriesNames, name);
}
std::optional<FleetSeries> fleet_series_of(std::string_view name) {
  return find<FleetSeries>(kFleetSeriesNames, name);
}
std::optional<Severity> severity_of(std::string_view name) {
  return find<Severity>(kSeverityNames, name);
}

}  // namespace spillway::cloud
