#include "tests/bench/support/owner_file.h"

#include "common/lifecycle/owner.h"
#include "common/store/node_row.h"
#include "common/store/owner_sql.h"
#include "common/store/sqlite_owner_store.h"

namespace spillway::bench {

Result<OwnerFile> OwnerFile::create(const std::string& path, Sync sync) {
  {
    auto made = store::SqliteOwnerStore::open(path, [](std::function<void()> answer) { answer(); });
    if (!made) return std::move(made).error();
  }
  auto database = store::Database::open(path, false);
  if (!database) return std::move(database).error();
  // As the store sets them; the journal mode is the file's.
  const char* settings =
      sync == Sync::full
          ? "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; PRAGMA cache_size = -512"
          : "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536";
  if (Status set = database->execute(settings); !set) return set.error();
  auto statement = database->prepare(store::sql_text(store::Sql::insert_task));
  if (!statement) return std::move(statement).error();
  return OwnerFile(*std::move(database), *std::move(statement));
}

Status OwnerFile::insert(std::size_t count, const TaskSpec& spec, const Bytes& encoded) {
  auto transaction = store::Transaction::begin(database_);
  if (!transaction) return std::move(transaction).error();
  const lifecycle::OwnerTask task = lifecycle::first_state(spec, 0, NodeTime{});
  counts_[static_cast<std::size_t>(task.state)] += count;
  for (std::size_t i = 0; i < count; ++i) {
    store::Cursor cursor = insert_.use();
    store::bind_task(cursor, next_seq_++, task, kNever);
    cursor.bind(22, static_cast<std::int64_t>(spec.band))
        .bind(23, std::int64_t{0})
        .bind(24, std::string_view(spec.kind))
        .bind(25, std::string_view(spec.tenant))
        .bind(26, ByteView(encoded))
        .bind_null(27);
    if (Status run = cursor.run(); !run) return run;
  }
  return transaction->commit();
}

Status OwnerFile::finish() {
  auto node = store::read_node(database_);
  if (!node) return std::move(node).error();
  node->next_seq = next_seq_;
  node->counts = counts_;
  auto statement = database_.prepare(store::kWriteNode);
  if (!statement) return std::move(statement).error();
  return store::write_node(statement->use(), *node);
}

}  // namespace spillway::bench
