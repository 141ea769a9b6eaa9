#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/fleet/device_metrics.h"
#include "common/lifecycle/lessee.h"
#include "common/wire/messages.h"
#include "common/wire/telemetry.h"
#include "spillway/task.h"
#include "spillway/time.h"

// What the cloud shows of the fleet: plain values, the same for the API, the event stream and the
// command line. `Wall` is for people: time since 1970 by the cloud's wall clock.
namespace spillway::cloud {

using Wall = Duration;

enum class Health : std::uint8_t {
  operational,
  degraded,
  updating,
  sleeping,      // announced
  disconnected,  // three missed heartbeats, or a will of the current session
  never_seen,    // expected, never heard of
  quarantined,   // by an operator
  revoked,       // its certificate
};
inline constexpr std::size_t kHealths = 8;

// Why a device is degraded, or how it went. A set of bits in Reasons.
enum class Reason : std::uint8_t {
  backlog_growing,
  hot,
  battery_low,
  link_poor,
  clock_wrong,
  certificate_expiring,
  disk_low,
  tasks_failing,
  data_lost,
  heartbeats_missed,  // disconnected
  will,               // disconnected: the broker lost it
  goodbye,            // sleeping: it said so
  restored,           // its state was put back to an earlier copy, or made anew
  cloned,             // two processes use its identity
  flooding,           // it sends more than it may
};
inline constexpr std::size_t kReasons = 15;

class Reasons {
 public:
  constexpr Reasons() = default;
  constexpr explicit Reasons(std::uint16_t bits) : bits_(bits) {}
  constexpr bool has(Reason reason) const { return bits_ >> unsigned(reason) & 1; }
  constexpr void set(Reason reason, bool on = true) {
    auto bit = std::uint16_t(1U << unsigned(reason));
    bits_ = on ? std::uint16_t(bits_ | bit) : std::uint16_t(bits_ & ~bit);
  }
  constexpr bool none() const { return bits_ == 0; }
  constexpr std::uint16_t bits() const { return bits_; }
  bool operator==(const Reasons&) const = default;

 private:
  std::uint16_t bits_ = 0;
};

std::string_view to_string(Health health);
std::string_view to_string(Reason reason);
std::span<const std::string_view> health_names();
std::span<const std::string_view> reason_names();
std::optional<Health> health_of(std::string_view name);
std::optional<Reason> reason_of(std::string_view name);

// What a list shows of a device.
struct DeviceRow {
  std::string name;
  Health health = Health::never_seen;
  Reasons reasons;
  Wall since{};      // of health
  Wall last_seen{};  // 0: never
  bool online = false;
  std::string group;                // the operator's; may be empty
  std::vector<std::string> labels;  // the operator's, "key=value", sorted
  std::string version, machine;     // of its latest birth
  wire::Metrics metrics;            // the latest
};

struct DeviceView {
  DeviceRow row;
  std::uint64_t revision = 0;  // changes with what an operator sets: the ETag
  Wall first_seen{};
  std::uint64_t session = 0;
  wire::Presence birth;  // its latest; tags, kinds, workers, memory
  std::string kernel;
  std::vector<std::uint8_t> cores;  // percent each
  Wall measured{};                  // when the latest telemetry was received
  Wall measured_there{};            // the device's own clock, then
  std::string note;                 // why quarantined or revoked
  // The update of its firmware, as it last told since this cloud started; none: it told nothing.
  std::optional<wire::UpdateReport> update;
};

struct DeviceFilter {
  std::vector<Health> health;       // any of them; empty: all
  std::vector<Reason> reasons;      // any of them
  std::string group;                // empty: all
  std::vector<std::string> labels;  // all of them, "key=value" or "key"
  std::string text;                 // part of the name
  std::string kind;                 // supports it
  std::string tag;                  // of its birth
  std::string version;
  std::optional<bool> online;
};

// Behind these come the metrics, in the order of their rows.
enum class DeviceSort : std::uint8_t { name, health, since, last_seen };
inline constexpr std::size_t kPlainSorts = 4;
std::string_view to_string(DeviceSort sort);
std::span<const std::string_view> device_sort_names();
std::optional<DeviceSort> device_sort_of(std::string_view name);

// Where a page ended: the next begins behind it, whatever came or went meanwhile.
struct DevicePosition {
  std::int64_t value = 0;  // of what is sorted by
  std::string name;
};
struct DeviceQuery {
  DeviceFilter filter;
  DeviceSort sort = DeviceSort::name;
  bool descending = false;
  std::optional<DevicePosition> after;
  std::uint32_t limit = 100;
};
struct DevicePage {
  std::vector<DeviceRow> devices;
  std::optional<DevicePosition> next;
  std::uint64_t matching = 0;  // devices that the filter lets through, on all pages
};
// Counts for quick filters, of all devices that a filter lets through.
struct Facet {
  std::string value;
  std::uint64_t count = 0;
};
struct DeviceFacets {
  std::array<std::uint64_t, kHealths> health{};
  std::array<std::uint64_t, kReasons> reasons{};
  std::vector<Facet> groups, versions;  // most frequent first, at most 50 each
};

struct Percentiles {
  Duration p50{}, p95{};
};

struct FleetSummary {
  Wall at{};
  std::uint64_t devices = 0, online = 0;
  std::array<std::uint64_t, kHealths> health{};
  std::array<std::uint64_t, kReasons> reasons{};
  double done_local = 0, done_cloud = 0;  // tasks per second
  double offload = 0;                     // share done in the cloud, 0 to 1
  Percentiles local, cloud;               // over the devices' own figures, weighed by their tasks
  std::uint64_t backlog = 0;              // queued and waiting on all devices
  Duration backlog_oldest{};              // of unacknowledged messages
  std::uint64_t cloud_queue = 0;
  Duration cloud_queue_oldest{};
  std::uint64_t duplicates = 0, lost = 0, failed = 0;  // since the fleet's store was made
  std::uint64_t firing = 0;                            // alerts, not silenced
  double messages = 0;                                 // telemetry and presence, per second
  // When a device said that the cloud's state is not the newest, or not the only one; none: none
  // did since start.
  std::optional<Wall> cloud_restored = {};
  std::uint64_t history_dropped = 0;  // rows, since start, that the store could not take in time
  std::string store_problem = {};     // why nothing can be stored now; empty: it can
};

// Three resolutions, each with its retention.
enum class Resolution : std::uint8_t { sample /* 10 s */, minute, quarter };
struct SeriesQuery {
  Resolution resolution = Resolution::sample;
  Wall from{}, until = Duration::max();
};
// What is kept of each device over time: metrics of the list, where these say, and what it got
// done, in tasks per second.
enum class DeviceSeries : std::uint8_t { done_local = 8, done_cloud };
inline constexpr std::size_t kDeviceSeries = 10;
std::string_view to_string(DeviceSeries series);
std::span<const std::string_view> device_series_names();
std::optional<DeviceSeries> device_series_of(std::string_view name);
// Mean and largest value in the point's span; NaN when nothing was measured.
struct DevicePoint {
  Wall at{};  // its begin
  std::array<float, kDeviceSeries> mean{}, max{};
};

enum class FleetSeries : std::uint8_t {
  online,
  operational,
  degraded,
  disconnected,
  updating,
  backlog,
  backlog_oldest,
  done_local,
  done_cloud,
  offload,
  local_p50,
  local_p95,
  cloud_p50,
  cloud_p95,
  cloud_queue,
  duplicates,
  lost,
  messages
};
inline constexpr std::size_t kFleetSeries = 18;
std::string_view to_string(FleetSeries series);
std::span<const std::string_view> fleet_series_names();
std::optional<FleetSeries> fleet_series_of(std::string_view name);
struct FleetPoint {  // means; times in seconds
  Wall at{};
  std::array<float, kFleetSeries> value{};
};

// How a session of a device ended.
enum class SessionEnd : std::uint8_t { heartbeats_missed, will, goodbye, quarantined, revoked };
std::string_view to_string(SessionEnd end);
// An operator's doing: the connection at the broker may go on.
constexpr bool is_bar(SessionEnd end) { return end >= SessionEnd::quarantined; }

struct SessionView {
  std::uint64_t session = 0;
  Wall from{};
  std::optional<Wall> until;        // none: it is the present one
  std::optional<SessionEnd> ended;  // none while it lasts, or when a newer one took over
};

enum class FleetEventKind : std::uint8_t {
  first_seen,
  connected,
  disconnected,
  health_changed,
  restarted,
  version_changed,
  alert_fired,
  alert_resolved,
  operator_action,
  data_lost,
  update
};
std::string_view to_string(FleetEventKind kind);
struct FleetEvent {
  std::uint64_t id = 0;  // grows; the position to page by
  Wall at{};
  std::string device;  // empty: of the fleet
  FleetEventKind kind = FleetEventKind::connected;
  std::string detail;
};
struct EventQuery {
  std::string device;  // empty: all
  std::uint64_t before = ~0ULL;
  std::uint32_t limit = 100;
};

// Dropped things by class and cause, as the device's own loss ledger has them.
struct LossTotal {
  std::string what;   // class: tasks, results, events, telemetry
  std::string cause;  // e.g. disk_budget
  std::uint64_t count = 0;
  Wall from{}, until{};   // the device's clock; first and last of them
  bool at_least = false;  // it does not know how much it was
  bool operator==(const LossTotal&) const = default;
};

// A task the cloud has taken from a device: the newest are kept.
struct OffloadedTask {
  TaskId id;
  std::string device;
  std::string kind;
  Band band = Band::normal;
  Epoch epoch;
  lifecycle::LeaseState state = lifecycle::LeaseState::accepted;
  FailureClass failure = FailureClass::none;
  Wall accepted{};
  std::optional<Wall> started, ended;  // none: it has not, or that is not known any more
  Duration ran{}, cpu{};               // once it has ended
  std::string trace;                   // the spec's
  bool over() const { return state >= lifecycle::LeaseState::done; }
};
// What a device said of one of its tasks.
struct ToldStory {
  std::string device;
  wire::TaskStory story;
  Wall heard{};
};
struct TaskQuery {
  std::string device, kind;  // empty: all
  std::optional<lifecycle::LeaseState> state;
  std::optional<bool> failed;
  std::uint64_t before = ~0ULL;  // position of the last one seen
  std::uint32_t limit = 100;
};
struct TaskPage {
  std::vector<OffloadedTask> tasks;  // newest first
  std::optional<std::uint64_t> next;
};
struct KindTotals {
  std::string kind;
  std::uint64_t accepted = 0, done = 0, failed = 0;
  Percentiles ran;  // since start
};

enum class Severity : std::uint8_t { info, warning, critical };
std::string_view to_string(Severity severity);
std::span<const std::string_view> severity_names();
std::optional<Severity> severity_of(std::string_view name);

// A rule is data: `subject` is a device metric ("temperature_mc"), "health", a reason ("hot"), or,
// with the scope fleet, a fleet series ("backlog").
struct AlertRule {
  enum class Scope : std::uint8_t { device, fleet };
  enum class Compare : std::uint8_t { above, below, is };
  std::string id;  // [a-z0-9_-]{1,63}
  std::string title;
  Severity severity = Severity::warning;
  Scope scope = Scope::device;
  std::string subject;
  Compare compare = Compare::above;
  double value = 0;    // compared with; of `is` with health: the health's number
  Duration lasting{};  // before it fires, and before it resolves
  std::string group;   // devices of this group only; empty: all
  bool enabled = true;
  bool operator==(const AlertRule&) const = default;
};
struct Alert {
  std::uint64_t id = 0;
  std::string rule, title;
  Severity severity = Severity::warning;
  std::string device;  // empty: the fleet
  bool firing = false;
  Wall fired{};
  std::optional<Wall> resolved;
  double value = 0;  // when it fired
  std::string acknowledged_by, note;
  std::optional<Wall> silenced_until;
};
struct AlertFilter {
  std::optional<bool> firing;
  std::optional<Severity> severity;
  std::string device, rule;
  bool silenced = true;  // include them
  std::uint64_t before = ~0ULL;
  std::uint32_t limit = 100;
};
struct Silence {
  std::uint64_t id = 0;
  std::string rule, device, group;  // each may be empty: any
  Wall until{};
  std::string by, note;
};

// What has changed since the last call, coalesced: the present state of each device that changed.
struct FleetChange {
  std::uint64_t id = 0;  // +1 with every change; what a stream resumes by
  FleetSummary summary;
  std::vector<DeviceRow> devices;  // health, presence or what an operator set changed; then others
  bool more = false;               // more devices changed than are listed
  std::vector<FleetEvent> events;
  std::vector<Alert> alerts;
  std::vector<OffloadedTask> tasks;  // newest of each
};

}  // namespace spillway::cloud
