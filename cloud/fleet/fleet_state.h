#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "cloud/fleet/alert_book.h"
#include "cloud/fleet/device_table.h"
#include "cloud/fleet/fleet.h"
#include "cloud/fleet/fleet_news.h"
#include "cloud/fleet/fleet_pace.h"
#include "cloud/fleet/fleet_store.h"
#include "cloud/fleet/story_book.h"
#include "cloud/fleet/task_board.h"
#include "common/base/gate.h"
#include "common/sqlite/commit_cycle.h"

namespace spillway::cloud {

// What Fleet is made of. The loop's.
struct Fleet::State {
  using Slot = DeviceTable::Slot;

  State(FleetOptions given, const Clock& time, FleetStore* behind);

  // fleet_state.cpp: devices, events, alerts.
  NodeTime now() const { return timeline->now(); }
  Wall wall() const { return clock->wall_time(); }
  Slot find_or_add(std::string_view name);
  Slot find_known(std::string_view name) const { return table.find(name); }
  void touch(Slot slot, bool state_changed);  // to be stored and told, or only told
  void hear(Slot slot);                       // a sign of life
  void came(Slot slot, std::uint64_t session_before, bool anew);  // anew: in another session
  void went(Slot slot, SessionEnd how);
  void close_session(const Device& device, std::uint64_t session, std::optional<SessionEnd> how);
  void set_online(Slot slot, bool online);
  void heed_bar(Slot slot);
  void refresh(Slot slot);  // judges its health again
  void watch(Slot slot);    // rules that look at it
  void note(const Device* device, FleetEventKind kind, std::string detail);
  void take(const AlertEngine::Changes& changes);
  void tell_alert(AlertBook::Entry& entry);
  void store_alert(const AlertBook::Entry& entry);
  void remove(Slot slot);

  // fleet_frames.cpp: telemetry.
  void take_frame(Slot slot, const wire::Telemetry& frame);
  void count_rises(const Device& device, const wire::Metrics& was);
  void add_history(Device& device, const wire::Metrics& was);
  void keep_block(const Device& device, const HistoryBlock& block);

  // fleet_cycle.cpp: time.
  void sweep();
  void fade();
  void sample();
  void save();
  void gather();
  void on_saved();
  void on_save_failed(const Error& error);
  void prune();
  DeviceRecord record_of(const Device& device) const;
  void bound_batch();

  // fleet_recovery.cpp
  void restore(FleetRecovered recovered);
  void adopt(const DeviceRecord& record);
  void bar_again(const std::string& name);  // what the store forgot

  FleetSummary summary() const;
  void answer(Done<void> done);  // once all that happened so far is stored

  FleetOptions options;
  const Clock* clock;
  FleetStore* store;
  HealthPolicy policy;
  std::optional<NodeTimeline> timeline;
  DeviceTable table;
  std::vector<NodeTime> due;  // by slot: when silence counts as absence
  std::vector<Slot> dirty;
  Interned<wire::Presence> births;
  Interned<std::string> kernels;
  std::unordered_map<std::uint32_t, Slot> by_id;
  AlertEngine engine;
  AlertBook book;
  TaskBoard tasks;
  StoryBook stories;
  FleetHistory history;
  std::deque<EventRecord> events;
  FleetTotals totals;
  bool link_up = false;
  CloudLoad load;

  FleetPace pace;
  FleetNews news;

  sqlite::CommitCycle<FleetBatch> commits;
  struct Upkeep {
    NodeTime sweep{}, fade{}, sample{}, publish{}, save{}, prune{},
        retry_save = kNever;    // the next ones
    std::string store_problem;  // why the store cannot write; empty: it can
    // Calls that wait for the store to have written; those that were made are empty.
    std::deque<std::shared_ptr<Done<void>>> askers;
    bool pruning = false;
    std::uint64_t dropped_rows = 0;  // of history, since start, as the store could not write
  };
  Upkeep upkeep;
  Gate gate;
};

}  // namespace spillway::cloud
