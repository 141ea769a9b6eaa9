#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/wire/telemetry.h"

// What lists of devices show of their telemetry, a row a metric. The interface's JSON, what it
// sorts by and what is kept over time follow from the rows, and so do the columns of spwctl.
// cloud/api/openapi.cmake reads the rows, too: the interface's description, and by it the
// dashboard, have them from there. Plain values; any thread.
namespace spillway::cloud {

enum class Unit : std::uint8_t { count, ratio, celsius, seconds, bytes };

struct DeviceMetric {
  std::string_view name;   // what lists are sorted by, and what it is called over time
  std::string_view field;  // in JSON; a unit is its ending
  std::string_view title;  // above its column
  std::string_view about;  // a sentence, in the interface's description
  Unit unit;
  enum class Shown : std::uint8_t { always, wide } shown;  // wide: where there is room for it
  enum class Worse : std::uint8_t { larger, smaller } worse;
  double scale;  // what one of what is read is in the unit
  std::optional<std::int64_t> (*read)(const wire::Metrics&);  // none: the device cannot tell
  // Where a point of the history has it: a number of the store. Below 0: it is not kept.
  int kept = -1;

  std::optional<double> value(const wire::Metrics& metrics) const {
    auto told = read(metrics);
    return told ? std::optional(double(*told) * scale) : std::nullopt;
  }
};

// Tasks queued and waiting.
inline std::int64_t backlog_of(const wire::Metrics& metrics) {
  std::int64_t backlog = metrics.get(wire::Metric::waiting);
  for (wire::Metric band : {wire::Metric::queued_band0, wire::Metric::queued_band1,
                            wire::Metric::queued_band2, wire::Metric::queued_band3}) {
    backlog += metrics.get(band);
  }
  return backlog;
}

namespace frame {

template <wire::Metric kMetric>
std::optional<std::int64_t> known(const wire::Metrics& metrics) {
  return metrics.find(kMetric);
}
// What is not told there is none of; by these names the description knows what is never null.
template <wire::Metric kMetric>
std::optional<std::int64_t> or_zero(const wire::Metrics& metrics) {
  return metrics.get(kMetric);
}
inline std::optional<std::int64_t> or_zero_backlog(const wire::Metrics& metrics) {
  return backlog_of(metrics);
}
inline std::optional<std::int64_t> memory_ppm(const wire::Metrics& metrics) {
  const std::int64_t whole = metrics.get(wire::Metric::memory_total);
  if (whole <= 0) return std::nullopt;
  return std::int64_t(1e6 * double(metrics.get(wire::Metric::memory_used)) / double(whole));
}

}  // namespace frame

// In the order of the columns.
inline constexpr auto kDeviceMetrics = [] {
  using enum Unit;
  using enum wire::Metric;
  using enum DeviceMetric::Shown;
  using enum DeviceMetric::Worse;
  using frame::known, frame::or_zero;
  return std::to_array<DeviceMetric>({
      {"backlog", "backlog", "Backlog", "Tasks queued and waiting on the device.", count, always,
       larger, 1, frame::or_zero_backlog, 3},
      {"oldest", "outbox_oldest_s", "Unsent", "Age of the oldest message not acknowledged.",
       seconds, always, larger, 1e-3, or_zero<outbox_age_ms>, 6},
      {"outbox", "outbox", "Outbox", "Messages not acknowledged.", count, wide, larger, 1,
       or_zero<outbox>, 5},
      {"running", "running", "Running", "Attempts, on the device.", count, wide, larger, 1,
       or_zero<running_local>, 4},
      {"cpu", "cpu_ratio", "CPU", "Of all cores, 0 to 1.", ratio, always, larger, 1e-3,
       known<cpu_permille>, 0},
      {"memory", "memory_ratio", "Memory", "In use, 0 to 1.", ratio, wide, larger, 1e-6,
       frame::memory_ppm, 1},
      {"temperature", "temperature_celsius", "Temp", "Of its hottest zone.", celsius, always,
       larger, 1e-3, known<temperature_mc>, 2},
      {"disk_free", "disk_free_bytes", "Disk free", "Where its store lies.", bytes, wide, smaller,
       1, known<disk_free>},
      {"rtt", "rtt_s", "RTT", "To the cloud and back.", seconds, always, larger, 1e-6,
       known<rtt_us>, 7},
      {"loss", "loss_ratio", "Loss", "Of echoes, of late; 0 to 1.", ratio, wide, larger, 1e-3,
       known<loss_permille>},
      {"battery", "battery_ratio", "Battery", "Left, 0 to 1.", ratio, wide, smaller, 1e-3,
       known<battery_permille>},
      {"lost", "lost", "Lost", "Tasks and results that it gave up, by its loss ledger.", count,
       wide, larger, 1, or_zero<lost>},
  });
}();

}  // namespace spillway::cloud
