#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cloud/fleet/views.h"
#include "common/base/clock.h"
#include "common/threads/door.h"
#include "common/wire/messages.h"
#include "common/wire/telemetry.h"
#include "spillway/status.h"

namespace spillway::cloud {

class FleetStore;
struct FleetRecovered;

// What an operator does to a device; empty fields stay as they are.
struct DeviceChange {
  std::optional<std::string> group;
  std::optional<std::vector<std::string>> labels;
  std::optional<bool> quarantined, revoked;
  std::string note;
  std::string by;  // who, for the event
};

struct CloudLoad {  // the cloud's own share of the summary
  std::uint64_t queue = 0;
  Duration oldest{};
  std::optional<Wall> restored = {};  // when a device first said so of its state
};

struct FleetOptions {
  std::size_t max_devices = 200'000;  // further ones are counted and not shown
  std::size_t max_tasks = 50'000;     // newest kept
  std::size_t max_events = 10'000;    // newest in memory; the store keeps more
  std::uint64_t max_disk = 0;         // bytes of the store; 0: no limit
  std::size_t max_change = 500;       // devices in one FleetChange
  Duration change_interval = std::chrono::milliseconds(500);
  std::function<void()> wake = {};  // asks for a cycle() soon
  std::function<void(const std::string&)> alarm = {}, report = {};
};

// The fleet as the cloud knows it: presence, telemetry, health, history and alerts of each device,
// and totals kept as they change. Everything on the cloud's loop; nothing blocks. Queries answer
// from memory at once, except those with `Done`, which may read the store and are answered on the
// loop, in order. What is lost when the process dies: at most the last quarter hour of
// measurements; presence changes, events, alerts and what operators set are committed in groups
// within a second, and a `Done` waits for that; when the store cannot write, it is told so, and
// that what it asked for holds all the same, and is stored once it can be.
class Fleet {
 public:
  template <class T>
  using Done = std::function<void(Result<T>)>;
  using Listener = std::function<void(const FleetChange&)>;
  // Ends its subscription when it goes.
  using Subscription = std::shared_ptr<void>;

  // `store` may be null: then history is what memory holds, and Done is answered at once.
  Fleet(FleetOptions options, const Clock& clock, FleetStore* store);
  ~Fleet();
  void start(FleetRecovered recovered);

  // What comes in.
  // Answers whether the device's store goes on from where it was; `none` while it is in doubt
  // whether it is the same device that speaks.
  LifeChange on_presence(const std::string& device, const wire::Presence& presence,
                         bool in_doubt = false);
  // Several processes speak as this device, in turn: what looked like another store before that was
  // known was theirs.
  void on_cloned(const std::string& device);
  void on_telemetry(const std::string& device, ByteView frame);
  void on_loss(const std::string& device, std::vector<LossTotal> totals);
  void on_update(const std::string& device, const wire::UpdateReport& report);
  // The device sends more than it may, and some of that was not looked at.
  void on_flooding(const std::string& device);
  // The cloud's own link: while it is down nobody's silence means anything.
  void on_link(bool up);
  void on_task(const OffloadedTask& task);
  void on_story(const std::string& device, wire::TaskStory story);
  void set_load(CloudLoad load);
  // Time-outs, roll-ups, changes; returns when it wants the next call.
  NodeTime cycle();
  NodeTime now() const;
  // Why nothing can be stored now; empty: it can.
  const std::string& store_problem() const;
  // Hands everything to the store, before a stop.
  void flush();

  // The whole.
  FleetSummary summary() const;
  std::vector<FleetPoint> series(const SeriesQuery& query) const;
  DevicePage devices(const DeviceQuery& query) const;
  DeviceFacets facets(const DeviceFilter& filter) const;
  std::uint64_t count(const DeviceFilter& filter) const;
  std::vector<std::string> names(const DeviceFilter& filter, std::size_t limit) const;

  // One device; not_found when it is not known.
  Result<DeviceView> device(const std::string& name) const;
  bool has(const std::string& device, Reason reason) const;
  std::vector<LossTotal> losses(const std::string& name) const;
  void device_series(const std::string& name, const SeriesQuery& query,
                     Done<std::vector<DevicePoint>> done) const;
  void sessions(const std::string& name, std::uint32_t limit,
                Done<std::vector<SessionView>> done) const;                        // newest first
  void events(const EventQuery& query, Done<std::vector<FleetEvent>> done) const;  // newest first

  // Tasks that devices gave to the cloud.
  TaskPage tasks(const TaskQuery& query) const;
  std::optional<OffloadedTask> task(TaskId id) const;
  // Null: its device has told nothing of it.
  const ToldStory* story(TaskId id) const;
  std::vector<KindTotals> kinds() const;

  // What operators do. A refusal is told at once: invalid_argument, with what to write instead;
  // not_found: no such device, alert, silence or rule. Else `done` waits for the commit. Here
  // conflict: it is known already; busy: there are as many devices as may be.
  void expect(const std::string& name, const DeviceChange& change, Done<void> done);  // enrolled
  // `revision` must be the device's, unless none is given (conflict).
  void change(const std::string& name, const DeviceChange& change,
              std::optional<std::uint64_t> revision, Done<void> done);
  // conflict: the device is barred, and would be let in again if it were forgotten.
  void forget(const std::string& name, const std::string& by, Done<void> done);

  // Alerts, newest first.
  std::vector<Alert> alerts(const AlertFilter& filter) const;
  void acknowledge(std::uint64_t alert, const std::string& by, const std::string& note,
                   Done<void> done);
  void silence(Silence silence, Done<std::uint64_t> done);  // its id is given here
  void end_silence(std::uint64_t id, Done<void> done);
  std::vector<Silence> silences() const;
  std::vector<AlertRule> rules() const;
  void put_rule(AlertRule rule, Done<void> done);  // by its id, new or in place of an old one
  void drop_rule(const std::string& id, Done<void> done);

  // Called at most every change_interval, when something changed, until the subscription goes.
  [[nodiscard]] Subscription subscribe(Listener listener);

 private:
  struct State;
  State& inside() const {
    door_.enter();
    return *state_;
  }

  std::unique_ptr<State> state_ PT_GUARDED_BY(threads::kLoop);
  threads::Door door_{"cloud::Fleet"};
};

}  // namespace spillway::cloud
