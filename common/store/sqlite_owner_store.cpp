#include "common/store/sqlite_owner_store.h"

#include <algorithm>
#include <chrono>

#include "common/crypto/random.h"
#include "common/store/owner_salvage.h"

namespace spillway::store {

extern const std::vector<sqlite::Migration> kMigrations;  // made from migrations/*.sql

namespace {

constexpr std::int64_t kOwnerApplication = 0x5350574f;  // "SPWO"
constexpr std::size_t kListSlice = 4096;                // rows looked at before others get a turn
constexpr std::size_t kSmallBatch = 2;                  // rows

}  // namespace

std::string_view to_string(EventKind kind) {
  constexpr std::string_view kNames[] = {
      "accepted",   "granted",   "started", "offered_back", "attempt_failed",
      "lease_lost", "succeeded", "failed",  "cancelled",    "expired",
      "held",       "released",  "retried", "recovered"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string Recovered::damage() const {
  if (damaged == 0) return "";
  return "this store's file was damaged once, and at least " + std::to_string(damaged) +
         (damaged == 1 ? " task was" : " tasks were") + " lost with it";
}

std::vector<std::string> Recovered::lost_names() const {
  constexpr std::size_t kToALine = 50;
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < lost.size(); ++i) {
    if (i % kToALine == 0) lines.emplace_back();
    lines.back() += (lines.back().empty() ? "" : ", ") + to_string(lost[i]);
  }
  return lines;
}

SqliteOwnerStore::SqliteOwnerStore(OwnerTables tables, sqlite::SharedMeter meter,
                                   sqlite::Poster poster, const sqlite::CommitQueue::Limits& limits)
    : meter_(std::move(meter)),
      tables_(std::move(tables)),
      queue_(tables_.committer(), std::move(poster), limits) {}

Result<SqliteOwnerStore::Opened> SqliteOwnerStore::open(const std::string& path,
                                                        sqlite::Poster poster) {
  return open(path, std::move(poster), Options{});
}

Result<SqliteOwnerStore::Opened> SqliteOwnerStore::open(const std::string& path,
                                                        sqlite::Poster poster,
                                                        const Options& options) {
  std::optional<OwnerTables> tables;
  Recovered recovered;
  sqlite::FileOptions file_options = options.file;
  if (!file_options.meter) file_options.meter = std::make_shared<sqlite::FileMeter>();
  file_options.disk = options.tables.budget.disk;
  file_options.meter->flash_per_day = options.tables.budget.flash_per_day;
  sqlite::FileKind kind;
  kind.schema = sqlite::Schema{kOwnerApplication, kMigrations};
  kind.found = sqlite::found_node;
  Salvage salvage;
  kind.salvage = [&salvage](const sqlite::Database& damaged, const sqlite::Database& fresh) {
    return salvage_owner(damaged, fresh, salvage);
  };
  const auto wall =
      std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch());
  kind.note_damage = [&salvage, wall](const sqlite::Database& file) {
    return note_damage(file, wall, salvage);
  };
  kind.recover = [&](sqlite::Database database) -> Status {
    // A full disk does not keep a node from starting.
    if (options.lost_beside) static_cast<void>(note_damage(database, wall, {}).ok());
    Result<OwnerTables> opened =
        OwnerTables::open(std::move(database), path, options.tables, file_options.meter);
    if (!opened) return std::move(opened).error();
    opened->begin_life(Origin{crypto::random_u64()});
    Result<Recovered> found = opened->recover();
    if (!found) return std::move(found).error();
    tables = *std::move(opened);
    recovered = *std::move(found);
    return {};
  };
  Result<sqlite::OpenedFile> file = sqlite::open_file(path, kind, file_options);
  if (!file) return std::move(file).error();
  recovered.fresh = file->fresh;
  recovered.quarantined = file->quarantined;
  recovered.salvaged = file->salvaged;
  recovered.lost = std::move(salvage.lost);
  return Opened{std::unique_ptr<SqliteOwnerStore>(new SqliteOwnerStore(
                    *std::move(tables), file_options.meter, std::move(poster), options.limits)),
                std::move(recovered)};
}

void SqliteOwnerStore::commit(sqlite::SharedBatch<Batch> batch, Done<Refused> done) {
  const bool small = batch->inserts.size() + batch->updates.size() <= kSmallBatch;
  queue_.write<Refused>([this, batch = std::move(batch)] { return tables_.apply(*batch); },
                        std::move(done), small);
}

void SqliteOwnerStore::ready_after(std::optional<ReadyKey> after, std::size_t limit,
                                   std::size_t max_bytes, Done<std::vector<TaskRow>> done) {
  queue_.read<std::vector<TaskRow>>(
      [this, after, limit, max_bytes] { return tables_.ready_after(after, limit, max_bytes); },
      std::move(done));
}

void SqliteOwnerStore::due(NodeTime until, std::size_t limit, Done<Due> done) {
  queue_.read<Due>([this, until, limit] { return tables_.due(until, limit); }, std::move(done));
}

void SqliteOwnerStore::find(std::uint64_t seq, Done<TaskDetail> done) {
  queue_.read<TaskDetail>([this, seq] { return tables_.find(seq); }, std::move(done));
}

struct SqliteOwnerStore::Listing {
  ListFilter filter;  // what is left to look at
  std::vector<ListedTask> found;
};

void SqliteOwnerStore::list(ListFilter filter, Done<std::vector<ListedTask>> done) {
  filter.limit = std::min<std::uint32_t>(filter.limit, 1000);
  list_on({std::move(filter), {}}, std::move(done));
}

// A long search goes to the back of the queue after each slice.
void SqliteOwnerStore::list_on(Listing listing, Done<std::vector<ListedTask>> done) {
  auto go_on =
      gate_.pass([this, done](Listing next) { list_on(std::move(next), done); },
                 [done](const Listing&) { done(fail(Code::cancelled, "the store was closed")); });
  queue_.read<Listing>(
      [this, listing = std::move(listing)]() -> Result<Listing> {
        Listing next = listing;
        Status status = tables_.list(next.filter, kListSlice, next.found);
        if (!status) return std::move(status).error();
        return next;
      },
      [go_on = std::move(go_on), done = std::move(done)](Result<Listing> next) mutable {
        if (!next) return done(std::move(next).error());
        if (next->filter.before == 0) return done(std::move(next->found));
        go_on(*std::move(next));
      });
}

void SqliteOwnerStore::dependents(std::uint64_t seq, Done<std::vector<TaskRow>> done) {
  queue_.read<std::vector<TaskRow>>([this, seq] { return tables_.dependents(seq); },
                                    std::move(done));
}

void SqliteOwnerStore::ended_parent(std::uint64_t after, Done<EndedParent> done) {
  queue_.read<EndedParent>([this, after] { return tables_.ended_parent(after); }, std::move(done));
}

void SqliteOwnerStore::find_idempotent(std::string key, NodeTime now,
                                       Done<std::optional<KnownKey>> done) {
  queue_.read<std::optional<KnownKey>>(
      [this, key = std::move(key), now] { return tables_.find_idempotent(key, now); },
      std::move(done));
}

void SqliteOwnerStore::purge(NodeTime now, std::size_t limit, Done<Purged> done) {
  queue_.write<Purged>([this, now, limit] { return tables_.purge(now, limit); }, std::move(done));
}

void SqliteOwnerStore::losses(Done<LossTable> done) {
  queue_.read<LossTable>([this] { return tables_.losses(); }, std::move(done));
}

StoreUse SqliteOwnerStore::use() const {
  return {meter_->in_use, meter_->total(), meter_->written, meter_->flash_spent};
}

void SqliteOwnerStore::inspect(bool deep, Done<sqlite::StoreReport> done) {
  queue_.read<sqlite::StoreReport>([this, deep] { return tables_.inspect(deep); }, std::move(done));
}

}  // namespace spillway::store
