#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cloud/fleet/device_table.h"
#include "cloud/fleet/views.h"
#include "common/sqlite/shared_batch.h"

// What of the fleet outlives a start. The seam that a second database implements.
namespace spillway::cloud {

struct DeviceRecord {
  std::uint32_t id = 0;  // from 1
  std::string name;
  PresenceState presence;
  Health health = Health::never_seen;
  Reasons reasons;
  std::optional<SessionEnd> ended;
  Wall first_seen{}, last_seen{}, since{}, lost_at{}, restored_at{};
  std::uint64_t revision = 1;
  std::int64_t lost = 0;  // as the device last counted
  DeviceMarks marks;
  Bytes birth;  // an encoded Presence, or empty
};

struct SessionRecord {  // of the latest session of that number; changes its end, or begins another
  std::uint32_t device = 0;
  SessionView view;
  bool begins = false;
};
struct EventRecord {
  std::uint32_t device = 0;  // 0: of the fleet
  FleetEvent event;
};
struct MinutesRecord {
  std::uint32_t device = 0;
  HistoryBlock block;
};
struct LossRecord {  // by device, class and cause
  std::uint32_t device = 0;
  LossTotal total;
};
struct AlertRecord {  // by its id
  std::uint32_t device = 0;
  bool crowd = false;
  Alert alert;
};

struct FleetTotals {
  std::uint64_t duplicates = 0, failed = 0;
  std::uint64_t next_event = 1, next_alert = 1, next_silence = 1;
  std::uint32_t next_device = 1;
};

// Everything is put in place of what has the same key.
struct FleetBatch {
  std::vector<DeviceRecord> devices;
  std::vector<std::uint32_t> dropped_devices;  // with all that is theirs
  std::vector<SessionRecord> sessions;
  std::vector<EventRecord> events;
  std::vector<MinutesRecord> minutes;  // their quarters are kept as well
  std::vector<FleetPoint> fleet_minutes, fleet_quarters;
  std::vector<LossRecord> losses;
  std::vector<AlertRecord> alerts;
  std::vector<AlertRule> rules;
  std::vector<std::string> dropped_rules;
  std::vector<Silence> silences;
  std::vector<std::uint64_t> dropped_silences;
  FleetTotals totals;
  NodeTime now{};
  Wall wall{};
  bool empty() const;
};

struct FleetRecovered {
  NodeTime last_seen{};
  FleetTotals totals;
  std::vector<DeviceRecord> devices;
  std::vector<LossRecord> losses;
  std::vector<EventRecord> events;              // the newest, oldest first
  std::vector<AlertRecord> alerts;              // the newest, oldest first
  std::optional<std::vector<AlertRule>> rules;  // none: a new store
  std::vector<Silence> silences;
  std::vector<FleetPoint> fleet_minutes, fleet_quarters;  // oldest first
  std::optional<std::string> quarantined;                 // where a damaged file went
  std::uint64_t salvaged = 0;                             // devices carried over from it
  // Devices that are kept out although the store did not say so.
  std::vector<std::string> barred;
  std::uint64_t starts = 0;         // of the cloud's, as the store last knew; 0: it was not told
  std::vector<std::string> doubts;  // what somebody must know of what was found, see FoundFiles
};

// How long and how much is kept. Beyond either the oldest go; of one device, beyond its share.
struct FleetRetention {
  Duration minutes = std::chrono::hours(24), quarters = std::chrono::hours(24 * 30),
           events = std::chrono::hours(24 * 90), sessions = std::chrono::hours(24 * 90);
  std::uint64_t minutes_rows = 10'000'000, quarters_rows = 10'000'000, events_rows = 1'000'000,
                sessions_rows = 1'000'000;
  std::uint64_t events_each = 10'000, sessions_each = 10'000, alerts_each = 500;  // of a device
  // What people did.
  Duration actions = std::chrono::hours(24 * 730);
  std::uint64_t actions_rows = 100'000;
  std::uint64_t bytes = 0;  // of the whole; 0: no limit

  // Cuts the shares of each device so that those of all fit into the whole.
  void share(std::size_t devices);
};

// Calls come from the loop, do not block on the disk, and are answered on the loop, in order.
class FleetStore {
 public:
  template <class T>
  using Done = std::function<void(Result<T>)>;

  virtual ~FleetStore() = default;
  virtual void commit(sqlite::SharedBatch<FleetBatch> batch, Done<void> done) = 0;
  // Minutes or quarters, oldest first.
  virtual void history(std::uint32_t device, SeriesQuery query,
                       Done<std::vector<DevicePoint>> done) = 0;
  virtual void sessions(std::uint32_t device, std::uint32_t limit,
                        Done<std::vector<SessionView>> done) = 0;  // newest first
  // Events of one device, or of all (0), newest first.
  virtual void events(std::uint32_t device, std::uint64_t before, std::uint32_t limit,
                      Done<std::vector<EventRecord>> done) = 0;
  // Removes at most `limit` rows of each table that its retention has passed, and answers how many.
  virtual void prune(FleetRetention retention, Wall wall, std::size_t limit,
                     Done<std::uint64_t> done) = 0;
};

}  // namespace spillway::cloud
