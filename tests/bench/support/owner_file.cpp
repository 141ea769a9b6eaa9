#include "tests/bench/support/owner_file.h"

#include <functional>

#include "common/sqlite/node_row.h"
#include "common/store/sqlite_owner_store.h"
#include "common/wire/codec.h"

namespace spillway::bench {
namespace {

// What an agent writes when it accepts a task.
Status make_with_one(const std::string& path, const TaskSpec& spec) {
  store::NewTask task;
  task.row.seq = 1;
  task.row.band = spec.band;
  task.row.task = lifecycle::first_state(spec, 0, NodeTime{});
  task.row.spec = std::make_shared<const Bytes>(wire::encode(spec));
  task.kind = spec.kind.name;
  task.tenant = spec.tenant;
  store::Batch batch;
  batch.inserts.push_back(std::move(task));
  auto made =
      store::SqliteOwnerStore::open(path, [](const std::function<void()>& answer) { answer(); });
  if (!made) return std::move(made).error();
  Status committed;
  made->store->commit(std::move(batch), [&](const Result<store::Refused>& refused) {
    if (!refused) committed = refused.error();
  });
  made->store.reset();  // commits and answers
  return committed;
}

// Pragmas as the store sets them; the journal mode is the file's.
const char* settings_for(OwnerFile::Sync sync) {
  if (sync == OwnerFile::Sync::full) {
    return "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; PRAGMA cache_size = -512";
  }
  return "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536";
}

}  // namespace

Result<OwnerFile> OwnerFile::create(const std::string& path, Sync sync, const TaskSpec& spec) {
  if (Status made = make_with_one(path, spec); !made) return made.error();
  auto database = sqlite::Database::open(path, false);
  if (!database) return std::move(database).error();
  if (Status set = database->execute(settings_for(sync)); !set) return set.error();
  auto row = read_row(*database);
  if (!row) return std::move(row).error();
  std::string sql = "INSERT INTO task VALUES (?1";
  for (std::size_t i = 2; i <= row->size(); ++i) sql += ", ?" + std::to_string(i);
  auto statement = database->prepare(sql + ")");
  if (!statement) return std::move(statement).error();
  return OwnerFile(*std::move(database), *std::move(statement), *std::move(row));
}

Result<std::vector<OwnerFile::Value>> OwnerFile::read_row(const sqlite::Database& database) {
  auto columns = database.prepare("SELECT type FROM pragma_table_info('task') ORDER BY cid");
  auto rows = database.prepare("SELECT * FROM task");
  if (!columns) return std::move(columns).error();
  if (!rows) return std::move(rows).error();
  sqlite::Cursor column = columns->use(), row = rows->use();
  if (auto found = row.step(); !found) return std::move(found).error();
  std::vector<Value> values;
  for (int i = 0;; ++i) {
    auto more = column.step();
    if (!more) return std::move(more).error();
    if (!*more) return values;
    const std::string_view type = column.text(0);
    if (row.is_null(i)) {
      values.emplace_back();
    } else if (type == "INTEGER") {
      values.emplace_back(row.integer(i));
    } else if (type == "TEXT") {
      values.emplace_back(std::string(row.text(i)));
    } else {
      values.emplace_back(Bytes(row.bytes(i).begin(), row.bytes(i).end()));
    }
  }
}

Status OwnerFile::insert(std::size_t tasks) {
  auto transaction = sqlite::Transaction::begin(database_);
  if (!transaction) return std::move(transaction).error();
  for (std::size_t i = 0; i < tasks; ++i) {
    sqlite::Cursor cursor = insert_.use();
    cursor.bind(1, static_cast<std::int64_t>(++tasks_));
    for (int at = 2; at <= static_cast<int>(row_.size()); ++at) {
      const Value& value = row_[static_cast<std::size_t>(at) - 1];
      if (auto* number = std::get_if<std::int64_t>(&value)) cursor.bind(at, *number);
      if (auto* text = std::get_if<std::string>(&value)) cursor.bind(at, std::string_view(*text));
      if (auto* bytes = std::get_if<Bytes>(&value)) cursor.bind(at, ByteView(*bytes));
    }
    if (Status run = cursor.run(); !run) return run;
  }
  return transaction->commit();
}

Status OwnerFile::finish() {
  auto node = sqlite::read_node(database_);
  if (!node) return std::move(node).error();
  node->next_seq = tasks_ + 1;
  for (std::uint64_t& count : node->counts) {
    if (count > 0) count = tasks_;
  }
  auto statement = database_.prepare(sqlite::write_node_sql());
  if (!statement) return std::move(statement).error();
  return sqlite::write_node(statement->use(), *node);
}

}  // namespace spillway::bench
