#include "cloud/fleet/sqlite_fleet_store.h"

namespace spillway::cloud::fleet_schema {
extern const std::vector<store::Migration> kMigrations;  // made from migrations/*.sql
}

namespace spillway::cloud {
namespace {

constexpr std::int64_t kFleetApplication = 0x53505746;  // "SPWF"

}  // namespace

SqliteFleetStore::SqliteFleetStore(FleetTables tables, store::Poster poster)
    : tables_(std::move(tables)), queue_(tables_.committer(), std::move(poster), {}) {}

Result<SqliteFleetStore::Opened> SqliteFleetStore::open(const std::string& path,
                                                        store::Poster poster,
                                                        const Options& options) {
  std::optional<FleetTables> tables;
  FleetRecovered recovered;
  store::FileKind kind;
  kind.schema = store::Schema{kFleetApplication, fleet_schema::kMigrations};
  kind.found = store::found_node;
  kind.recover = [&](store::Database database) -> Status {
    Result<FleetTables> opened = FleetTables::open(std::move(database), path);
    if (!opened) return std::move(opened).error();
    Result<FleetRecovered> found = opened->recover(options.events, options.alerts);
    if (!found) return std::move(found).error();
    tables = *std::move(opened);
    recovered = *std::move(found);
    return {};
  };
  Result<store::OpenedFile> file = store::open_file(path, kind, options.file);
  if (!file) return std::move(file).error();
  recovered.quarantined = file->quarantined;
  return Opened{std::unique_ptr<SqliteFleetStore>(
                    new SqliteFleetStore(*std::move(tables), std::move(poster))),
                std::move(recovered)};
}

void SqliteFleetStore::commit(FleetBatch batch, Done<void> done) {
  queue_.write<void>([this, kept = std::make_shared<const FleetBatch>(
                                std::move(batch))] { return tables_.apply(*kept); },
                     std::move(done));
}

void SqliteFleetStore::history(std::uint32_t device, SeriesQuery query,
                               Done<std::vector<DevicePoint>> done) {
  queue_.read<std::vector<DevicePoint>>(
      [this, device, query] { return tables_.history(device, query); }, std::move(done));
}

void SqliteFleetStore::sessions(std::uint32_t device, std::uint32_t limit,
                                Done<std::vector<SessionView>> done) {
  queue_.read<std::vector<SessionView>>(
      [this, device, limit] { return tables_.sessions(device, limit); }, std::move(done));
}

void SqliteFleetStore::events(std::uint32_t device, std::uint64_t before, std::uint32_t limit,
                              Done<std::vector<EventRecord>> done) {
  queue_.read<std::vector<EventRecord>>(
      [this, device, before, limit] { return tables_.events(device, before, limit); },
      std::move(done));
}

void SqliteFleetStore::prune(FleetRetention retention, Wall wall, std::size_t limit,
                             Done<std::uint64_t> done) {
  queue_.write<std::uint64_t>(
      [this, retention, wall, limit] { return tables_.prune(retention, wall, limit); },
      std::move(done));
}

}  // namespace spillway::cloud
