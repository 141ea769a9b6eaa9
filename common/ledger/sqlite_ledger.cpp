#include "common/ledger/sqlite_ledger.h"

namespace spillway::ledger {

extern const std::vector<sqlite::Migration> kMigrations;  // made from migrations/*.sql

namespace {

constexpr std::int64_t kLedgerApplication = 0x5350574c;  // "SPWL"
constexpr std::size_t kSmallBatch = 2;                   // rows

}  // namespace

SqliteLedger::SqliteLedger(LedgerTables tables, sqlite::Poster poster,
                           const sqlite::CommitQueue::Limits& limits)
    : tables_(std::move(tables)), queue_(tables_.committer(), std::move(poster), limits) {}

Result<SqliteLedger::Opened> SqliteLedger::open(const std::string& path, sqlite::Poster poster) {
  return open(path, std::move(poster), Options{});
}

Result<SqliteLedger::Opened> SqliteLedger::open(const std::string& path, sqlite::Poster poster,
                                                const Options& options) {
  std::optional<LedgerTables> tables;
  LedgerRecovered recovered;
  sqlite::FileKind kind;
  kind.schema = sqlite::Schema{kLedgerApplication, kMigrations};
  kind.found = sqlite::found_node;
  kind.recover = [&](sqlite::Database database) -> Status {
    Result<LedgerTables> opened = LedgerTables::open(std::move(database), path, options.file.meter);
    if (!opened) return std::move(opened).error();
    Result<LedgerRecovered> found = opened->recover(options.answered);
    if (!found) return std::move(found).error();
    tables = *std::move(opened);
    recovered = *std::move(found);
    return {};
  };
  Result<sqlite::OpenedFile> file = sqlite::open_file(path, kind, options.file);
  if (!file) return std::move(file).error();
  recovered.quarantined = file->quarantined;
  return Opened{std::unique_ptr<SqliteLedger>(
                    new SqliteLedger(*std::move(tables), std::move(poster), options.limits)),
                std::move(recovered)};
}

void SqliteLedger::commit(sqlite::SharedBatch<LedgerBatch> batch, Done<Refused> done) {
  const bool small = batch->inserts.size() + batch->updates.size() <= kSmallBatch;
  queue_.write<Refused>([this, batch = std::move(batch)] { return tables_.apply(*batch); },
                        std::move(done), small);
}

void SqliteLedger::find(TaskId id, Done<std::optional<LedgerRow>> done) {
  queue_.read<std::optional<LedgerRow>>([this, id] { return tables_.find(id); }, std::move(done));
}

void SqliteLedger::losses(std::string device, Done<LossBook> done) {
  queue_.read<LossBook>([this, device = std::move(device)] { return tables_.losses(device); },
                        std::move(done));
}

void SqliteLedger::prune(NodeTime before, std::size_t keep, std::size_t limit,
                         Done<std::vector<TaskId>> done) {
  queue_.write<std::vector<TaskId>>(
      [this, before, keep, limit] { return tables_.prune(before, keep, limit); }, std::move(done));
}

void SqliteLedger::inspect(bool deep, Done<sqlite::StoreReport> done) {
  queue_.read<sqlite::StoreReport>([this, deep] { return tables_.inspect(deep); }, std::move(done));
}

}  // namespace spillway::ledger
