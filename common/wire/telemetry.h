#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spillway/bytes.h"
#include "spillway/status.h"
#include "spillway/time.h"

// What a device measures of itself, on up/tel with QoS 0. One packed frame: a header, a bit per
// metric, and the metrics as variable-length integers; 30 to 200 bytes. A whole frame carries all
// that is known; the frames after it carry what has changed since that one, so that a frame that
// was lost is made good by any later one.
namespace spillway::wire {

inline constexpr std::size_t kMaxTelemetry = 1024;  // bytes
inline constexpr std::size_t kMaxCores = 64;
inline constexpr Duration kTelemetryInterval = std::chrono::seconds(10);

// Numbers are the wire's: only appended, never moved. Counters are of the device's present start
// and go back to zero with it.
enum class Metric : std::uint8_t {
  queued_band0,  // ready here, by band
  queued_band1,
  queued_band2,
  queued_band3,
  waiting,        // for a time, a dependency, a person
  running_local,  // attempts
  running_cloud,  // attempts offloaded
  outbox,         // messages the other side has not acknowledged
  outbox_age_ms,  // of the oldest
  accepted,       // counters: tasks accepted here
  done_local,     // succeeded here
  done_cloud,     // succeeded there
  failed,         // failed, for good
  expired,        // at their deadline
  duplicates,     // late or repeated results suppressed
  lost,           // tasks and results that gave way, of the loss ledger; over all starts
  local_p50_us,   // submit to result, of the tasks since the last frame
  local_p95_us,
  cloud_p50_us,
  cloud_p95_us,
  cpu_permille,  // of all cores
  memory_used,   // bytes
  memory_total,
  temperature_mc,  // thousandths of a degree Celsius, of the hottest zone
  throttled,       // 1: the clock is held down by heat or voltage
  disk_free,       // bytes, where the store lies
  disk_total,
  store_bytes,
  flash_written,  // bytes this process wrote to storage; a counter
  battery_permille,
  on_battery,  // 1: discharging
  link_type,   // LinkType
  rtt_us,
  loss_permille,  // of echoes, of late
  bandwidth,      // estimate upwards, bytes per second
  bytes_up,       // counters
  bytes_down,
  clock_source,           // ClockSource
  clock_error_us,         // estimated, of the wall clock
  certificate_expires_s,  // seconds since 1970
  uptime_s,               // of the process
  updating,               // 1: an update is being installed or tried out
  draining,               // 1: takes no tasks
  sleep_s,                // nothing sends it; the place in the frame is kept
  dispatched,             // tasks that the cloud has this device run, not done
  dispatched_done,        // a counter: of those, run to an end
  samples_lost,           // of telemetry, not sent while there was no link; over all starts
  lost_at_least,          // 1: nobody knows how much more than `lost` it was: the store was damaged
};
inline constexpr std::size_t kMetrics = std::size_t(Metric::lost_at_least) + 1;

enum class LinkType : std::uint8_t { unknown, ethernet, wifi, cellular, tunnel };
enum class ClockSource : std::uint8_t { unset, rtc, ntp };

// e.g. "queued_band0"; the same in the API, in --json and in rules.
std::string_view to_string(Metric metric);
std::optional<Metric> metric_of(std::string_view name);

// Some of the metrics. Absent ones read as 0.
class Metrics {
 public:
  bool has(Metric metric) const { return known_[std::size_t(metric)]; }
  std::int64_t get(Metric metric) const { return values_[std::size_t(metric)]; }
  std::optional<std::int64_t> find(Metric metric) const {
    return has(metric) ? std::optional(get(metric)) : std::nullopt;
  }
  void set(Metric metric, std::int64_t value) {
    known_[std::size_t(metric)] = true;
    values_[std::size_t(metric)] = value;
  }
  void take(const Metrics& newer);  // what `newer` has replaces what is here
  bool operator==(const Metrics&) const = default;

 private:
  std::array<std::int64_t, kMetrics> values_{};
  std::bitset<kMetrics> known_;
};

struct Telemetry {
  std::uint64_t session = 0;               // as in Presence
  std::uint64_t seq = 0;                   // within the session, from 1
  Duration sent_wall{};                    // the device's wall clock; recorded, never compared
  Duration interval = kTelemetryInterval;  // until the next frame
  bool whole = false;
  Metrics metrics;
  std::vector<std::uint8_t> cores;  // CPU of each, percent; empty: as before
  std::string kernel;               // in whole frames, e.g. "6.1.0-18-arm64"
  bool operator==(const Telemetry&) const = default;
};

Bytes encode(const Telemetry& telemetry);
// Hostile bytes are Code::corrupt. Metrics that are not known here are skipped.
Result<Telemetry> decode_telemetry(ByteView bytes);

// Makes frames out of measurements: every sixth is whole, and the first of a session. The device's
// loop.
class TelemetryFrames {
 public:
  // `measured` has the session's number and all that is known.
  Telemetry next(Telemetry measured);

 private:
  Telemetry whole_;
  std::bitset<kMetrics> changed_;  // since the whole frame, also when they changed back
  bool cores_changed_ = false;
  std::uint64_t seq_ = 0;
  unsigned since_whole_ = 0;
};

}  // namespace spillway::wire
