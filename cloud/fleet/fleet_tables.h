#pragma once

#include <array>
#include <string>
#include <unordered_map>
#include <vector>

#include "cloud/fleet/fleet_store.h"
#include "common/sqlite/database.h"
#include "common/sqlite/node_file.h"

namespace spillway::cloud {

// A store's salvage: devices, what operators set, and what they did. Answers how many devices.
Result<std::uint64_t> salvage_fleet(const sqlite::Database& damaged, const sqlite::Database& fresh);

// The fleet's statements and what they do inside one open file. Rows of history are counted as
// they come and go. One thread at a time.
class FleetTables {
 public:
  static Result<FleetTables> open(sqlite::Database database, const std::string& path);

  // Inside a transaction of the committer.
  Status apply(const FleetBatch& batch);
  // In a commit of its own; `later`, or should that fail: with the next one.
  Status note_start(std::uint64_t number, bool later);
  Result<std::uint64_t> prune(const FleetRetention& retention, Wall wall, std::size_t limit);

  Result<FleetRecovered> recover(std::size_t events, std::size_t alerts) const;
  Result<std::vector<DevicePoint>> history(std::uint32_t device, const SeriesQuery& query) const;
  Result<std::vector<SessionView>> sessions(std::uint32_t device, std::uint32_t limit) const;
  Result<std::vector<EventRecord>> events(std::uint32_t device, std::uint64_t before,
                                          std::uint32_t limit) const;

  sqlite::Committer& committer() { return file_; }

 private:
  enum class Sql : std::uint8_t {
    put_device,
    drop_device,
    drop_device_sessions,
    drop_device_losses,
    move_session,
    put_session,
    put_event,
    put_action,
    put_minutes,
    put_quarter,
    put_fleet_point,
    put_loss,
    put_alert,
    put_rule,
    drop_rule,
    put_silence,
    drop_silence,
    put_totals,
    devices,
    device_losses,
    all_events,
    device_events,
    sessions,
    minutes,
    quarters,
    fleet_points,
    alerts,
    rules,
    silences,
    totals,
    old_minutes,
    old_quarters,
    old_events,
    old_sessions,
    old_fleet_points,
    old_alerts,
    old_actions,
    over_events,
    over_sessions,
    over_alerts,
    count_
  };
  // Rows that are counted, by place in the node row's counts.
  enum Counted { kMinutes, kQuarters, kEvents, kSessions };
  static const char* text_of(Sql sql);
  static const char* prune_text_of(Sql sql);
  using Statements = std::array<sqlite::Statement, std::size_t(Sql::count_)>;

  FleetTables(sqlite::NodeFile file, Statements sql)
      : file_(std::move(file)), sql_(std::move(sql)) {}
  sqlite::Cursor use(Sql sql) const { return sql_[std::size_t(sql)].use(); }

  Status put(const DeviceRecord& record);
  Status put(const SessionRecord& record);
  Status put(const EventRecord& record);
  Status put(const MinutesRecord& record);
  Status put(Resolution resolution, const FleetPoint& point);
  Status put(const LossRecord& record);
  Status put(const AlertRecord& record);
  Status put(const AlertRule& rule);
  Status put(const Silence& silence);
  Status put(const FleetTotals& totals, bool rules_set);
  Status drop_device(std::uint32_t id);
  Status drop(const FleetBatch& batch);
  template <class Rows>
  Status put_all(const Rows& rows);
  void counted(Counted what, std::int64_t more);
  Status prune_table(Sql sql, Counted what, Wall before, std::uint64_t keep, std::size_t limit,
                     std::uint64_t& removed);
  Result<FleetRetention> tightened(FleetRetention keep, std::size_t limit) const;
  Status prune_rest(const FleetRetention& keep, Wall wall);
  Status trim_loud(const FleetRetention& keep, std::size_t limit, std::uint64_t& removed);
  Result<std::uint64_t> trim(Sql sql, std::uint32_t device, std::uint64_t keep, std::size_t limit);

  Status recover_people(FleetRecovered& into, std::size_t alerts) const;
  Status recover_devices(FleetRecovered& into) const;
  Result<std::vector<FleetPoint>> fleet_points(Resolution resolution) const;

  sqlite::NodeFile file_;
  Statements sql_;
  std::uint64_t start_ = 0;  // 0: nobody counts
  // Rows that came of each device since it was last held to its share.
  std::unordered_map<std::uint32_t, std::uint32_t> fresh_;
};

}  // namespace spillway::cloud
