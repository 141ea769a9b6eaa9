#pragma once

#include <memory>
#include <string>

#include "cloud/fleet/bar_file.h"
#include "cloud/fleet/fleet_store.h"
#include "cloud/fleet/fleet_tables.h"
#include "common/sqlite/commit_queue.h"
#include "common/sqlite/store_file.h"

namespace spillway::cloud {

// The fleet in one SQLite file, fleet.db, held exclusively and written by one thread.
// Calls from any one thread; answers come through the poster. A damaged file is set aside at open,
// and a new one begins with the devices, rules and silences that can be read of it. Who is kept out
// stands in the file `bars` beside it as well: a bar is there before it is in the store, and goes
// from there before it does from the store, so that whatever is lost on the way keeps out.
class SqliteFleetStore final : public FleetStore {
 public:
  struct Options {
    sqlite::FileOptions file{.cache_kib = 8192};
    std::size_t events = 10'000, alerts = 10'000;  // to recover
    // The number of this start, as another store counts them, so that an earlier copy is noticed;
    // 0: nobody counts.
    std::uint64_t start = 0;
    bool first = true;  // nothing of a cloud's was there before
  };
  struct Opened {
    std::unique_ptr<SqliteFleetStore> store;
    FleetRecovered recovered;
  };
  // Blocks on the disk.
  static Result<Opened> open(const std::string& path, sqlite::Poster poster,
                             const Options& options);

  void commit(sqlite::SharedBatch<FleetBatch> batch, Done<void> done) override;
  void history(std::uint32_t device, SeriesQuery query,
               Done<std::vector<DevicePoint>> done) override;
  void sessions(std::uint32_t device, std::uint32_t limit,
                Done<std::vector<SessionView>> done) override;
  void events(std::uint32_t device, std::uint64_t before, std::uint32_t limit,
              Done<std::vector<EventRecord>> done) override;
  void prune(FleetRetention retention, Wall wall, std::size_t limit,
             Done<std::uint64_t> done) override;

 private:
  SqliteFleetStore(FleetTables tables, Bars bars, std::string bars_path, sqlite::Poster poster);
  Status apply(const FleetBatch& batch);

  FleetTables tables_;
  // The queue's thread's.
  Bars bars_;
  bool bars_moved_ = false;  // the file does not have them yet
  const std::string bars_path_;
  sqlite::CommitQueue queue_;  // last: its thread uses the tables
};

}  // namespace spillway::cloud
