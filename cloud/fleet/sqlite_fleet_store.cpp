#include "cloud/fleet/sqlite_fleet_store.h"

#include <chrono>
#include <filesystem>

#include "cloud/fleet/found_files.h"

namespace spillway::cloud::fleet_schema {
extern const std::vector<sqlite::Migration> kMigrations;  // made from migrations/*.sql
}

namespace spillway::cloud {
namespace {

constexpr std::int64_t kFleetApplication = 0x53505746;  // "SPWF"

FoundFiles look_at(const FleetRecovered& recovered, const sqlite::OpenedFile& file,
                   const SqliteFleetStore::Options& options) {
  FoundFiles found;
  found.first = options.first;
  found.fresh = file.fresh;
  found.damaged = file.quarantined.has_value();
  found.earlier = !file.fresh && recovered.starts != 0 && recovered.starts + 1 < options.start;
  // A kill may have come between the one's writing of a start and the other's.
  found.behind = !file.fresh && options.start != 0 && recovered.starts > options.start;
  return found;
}

// Whom the store keeps out and the file does not.
std::vector<std::string> beyond(const Bars& bars, const std::vector<DeviceRecord>& devices) {
  std::vector<std::string> names;
  for (const auto& [name, bar] : bars_of(devices)) {
    if (!bars.contains(name)) names.push_back(name);
  }
  return names;
}

// Under a name by which damaged files are known; in place it stays until it is replaced.
std::optional<std::string> keep_aside(const std::string& path) {
  namespace fs = std::filesystem;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  const std::string base = path + ".damaged-" + std::to_string(seconds);
  std::string name = base;
  std::error_code error;
  for (int n = 2; fs::exists(name, error); ++n) name = base + "-" + std::to_string(n);
  fs::create_hard_link(path, name, error);
  if (error) fs::copy_file(path, name, error);
  return error ? std::nullopt : std::optional(fs::path(name).filename().string());
}

}  // namespace

SqliteFleetStore::SqliteFleetStore(FleetTables tables, Bars bars, std::string bars_path,
                                   sqlite::Poster poster)
    : tables_(std::move(tables)),
      bars_(std::move(bars)),
      bars_path_(std::move(bars_path)),
      queue_(tables_.committer(), std::move(poster), {}) {}

Result<SqliteFleetStore::Opened> SqliteFleetStore::open(const std::string& path,
                                                        sqlite::Poster poster,
                                                        const Options& options) {
  std::optional<FleetTables> tables;
  FleetRecovered recovered;
  sqlite::FileKind kind;
  kind.schema = sqlite::Schema{kFleetApplication, fleet_schema::kMigrations};
  kind.found = sqlite::found_node;
  kind.salvage = salvage_fleet;
  kind.recover = [&](sqlite::Database database) -> Status {
    Result<FleetTables> opened = FleetTables::open(std::move(database), path);
    if (!opened) return std::move(opened).error();
    Result<FleetRecovered> found = opened->recover(options.events, options.alerts);
    if (!found) return std::move(found).error();
    tables = *std::move(opened);
    recovered = *std::move(found);
    return {};
  };
  Result<sqlite::OpenedFile> file = sqlite::open_file(path, kind, options.file);
  if (!file) return std::move(file).error();
  recovered.quarantined = file->quarantined;
  recovered.salvaged = file->salvaged;
  const std::string bars_path = std::filesystem::path(path).replace_filename("bars");
  const FoundBars found = read_bars(bars_path);
  if (!found.readable) {
    return fail(Code::denied, bars_path +
                                  ": who is kept out cannot be read: let the cloud's user read it "
                                  "(chown), or move it away");
  }
  FoundFiles files = look_at(recovered, *file, options);
  files.bars_there = found.there;
  files.bars_whole = found.whole;
  if (found.there && !found.whole) files.bars_aside = keep_aside(bars_path);
  if (found.whole) files.only_in_store = beyond(found.bars, recovered.devices);
  keep_barred(recovered, found.bars);
  files.only_in_bars = recovered.barred;
  files.first = files.first && files.fresh && !files.damaged && !found.there;
  recovered.doubts = doubts_of(files);
  Bars bars = bars_of(recovered.devices);
  // What somebody must know is found again until the fleet's events have it; and what cannot be
  // written now is with the next commit, which says so if it cannot, either.
  const bool later = !recovered.doubts.empty();
  bool moved = !found.whole || bars != found.bars;
  if (moved && !later) moved = !write_bars(bars_path, bars).ok();
  if (options.start != 0) (void)tables->note_start(options.start, later);
  auto store = std::unique_ptr<SqliteFleetStore>(
      new SqliteFleetStore(*std::move(tables), std::move(bars), bars_path, std::move(poster)));
  store->bars_moved_ = moved;
  return Opened{std::move(store), std::move(recovered)};
}

Status SqliteFleetStore::apply(const FleetBatch& batch) {
  bars_moved_ = follow(bars_, batch.devices) || bars_moved_;
  if (bars_moved_) {
    if (Status written = write_bars(bars_path_, bars_); !written) return written;
    bars_moved_ = false;
  }
  return tables_.apply(batch);
}

void SqliteFleetStore::commit(sqlite::SharedBatch<FleetBatch> batch, Done<void> done) {
  queue_.write<void>([this, batch = std::move(batch)] { return apply(*batch); }, std::move(done));
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
