#include <algorithm>
#include <iterator>

#include "common/wire/telemetry.h"

namespace spillway::wire {
namespace {

constexpr std::string_view kNames[] = {
    "queued_band0",  "queued_band1",     "queued_band2",   "queued_band3",
    "waiting",       "running_local",    "running_cloud",  "outbox",
    "outbox_age_ms", "accepted",         "done_local",     "done_cloud",
    "failed",        "expired",          "duplicates",     "lost",
    "local_p50_us",  "local_p95_us",     "cloud_p50_us",   "cloud_p95_us",
    "cpu_permille",  "memory_used",      "memory_total",   "temperature_mc",
    "throttled",     "disk_free",        "disk_total",     "store_bytes",
    "flash_written", "battery_permille", "on_battery",     "link_type",
    "rtt_us",        "loss_permille",    "bandwidth",      "bytes_up",
    "bytes_down",    "clock_source",     "clock_error_us", "certificate_expires_s",
    "uptime_s",      "updating",         "draining",       "sleep_s",
    "dispatched",    "dispatched_done",  "samples_lost",   "lost_at_least"};
static_assert(std::size(kNames) == kMetrics);

}  // namespace

std::string_view to_string(Metric metric) { return kNames[std::size_t(metric)]; }

std::optional<Metric> metric_of(std::string_view name) {
  const auto* found = std::find(std::begin(kNames), std::end(kNames), name);
  if (found == std::end(kNames)) return std::nullopt;
  return Metric(found - std::begin(kNames));
}

void Metrics::take(const Metrics& newer) {
  for (std::size_t i = 0; i < kMetrics; ++i) {
    if (newer.known_[i]) values_[i] = newer.values_[i];
  }
  known_ |= newer.known_;
}

}  // namespace spillway::wire
