#pragma once

#include <memory>
#include <string>

#include "cloud/fleet/fleet_store.h"
#include "cloud/fleet/fleet_tables.h"
#include "common/store/commit_queue.h"
#include "common/store/store_file.h"

namespace spillway::cloud {

// The fleet in one SQLite file, fleet.db, held exclusively and written by one thread in groups.
// Calls from any one thread; answers come through the poster. A damaged file is set aside at open
// and a new one begins: devices make themselves known again, what operators set is lost and said.
class SqliteFleetStore final : public FleetStore {
 public:
  struct Options {
    store::FileOptions file{.cache_kib = 8192};
    std::size_t events = 10'000, alerts = 10'000;  // to recover
  };
  struct Opened {
    std::unique_ptr<SqliteFleetStore> store;
    FleetRecovered recovered;
  };
  // Blocks on the disk.
  static Result<Opened> open(const std::string& path, store::Poster poster, const Options& options);

  void commit(FleetBatch batch, Done<void> done) override;
  void history(std::uint32_t device, SeriesQuery query,
               Done<std::vector<DevicePoint>> done) override;
  void sessions(std::uint32_t device, std::uint32_t limit,
                Done<std::vector<SessionView>> done) override;
  void events(std::uint32_t device, std::uint64_t before, std::uint32_t limit,
              Done<std::vector<EventRecord>> done) override;
  void prune(FleetRetention retention, Wall wall, std::size_t limit,
             Done<std::uint64_t> done) override;

 private:
  SqliteFleetStore(FleetTables tables, store::Poster poster);

  FleetTables tables_;
  store::CommitQueue queue_;  // last: its thread uses the tables
};

}  // namespace spillway::cloud
