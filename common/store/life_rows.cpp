#include "common/store/life_rows.h"

namespace spillway::store {
namespace {

Status put_life(const OwnerStatements& sql, const Life& life) {
  sqlite::Cursor cursor = sql.use(Sql::put_life);
  return cursor.bind(1, static_cast<std::int64_t>(life.number))
      .bind(2, static_cast<std::int64_t>(life.origin.value))
      .bind(3, static_cast<std::int64_t>(life.first_seq))
      .bind(4, static_cast<std::int64_t>(life.restored))
      .run();
}

}  // namespace

Status LifeRows::read(const sqlite::NodeFile& file, const OwnerStatements& sql) {
  Result<std::vector<Life>> kept = collect(sql.use(Sql::lives));
  if (!kept) return std::move(kept).error();
  lives_ = Lives(*kept, file.node().origin);
  return {};
}

Result<std::vector<Life>> LifeRows::collect(sqlite::Cursor rows) {
  std::vector<Life> kept;
  for (;;) {
    Result<bool> more = rows.step();
    if (!more) return std::move(more).error();
    if (!*more) return kept;
    kept.push_back({rows.unsigned_integer(0), Origin{rows.unsigned_integer(1)},
                    rows.unsigned_integer(2), rows.integer(3) != 0});
  }
}

Status LifeRows::note(sqlite::NodeFile& file, const OwnerStatements& sql, const Batch& batch) {
  if (Status status = note_newest(file, sql); !status) return status;
  for (const KnownLife& peer : batch.peers) {
    sqlite::Cursor cursor = sql.use(Sql::put_peer);
    Status put = cursor.bind(1, static_cast<std::int64_t>(peer.store.value))
                     .bind(2, static_cast<std::int64_t>(peer.number))
                     .bind(3, static_cast<std::int64_t>(peer.life.value))
                     .run();
    if (!put) return put;
  }
  if (!batch.restored) return {};
  lives_.mark_restored();
  return put_life(sql, lives_.current());
}

// Notes the life that began, with the first batch of a process. The node row goes back with a
// rollback, and with it what it says of this.
Status LifeRows::note_newest(sqlite::NodeFile& file, const OwnerStatements& sql) {
  const std::vector<Life>& all = lives_.all();
  if (file.node().origin == lives_.current().origin) return {};
  // A store from before there were lives has no row of the first one.
  if (all.size() == 2) {
    if (Status status = put_life(sql, all.front()); !status) return status;
  }
  if (Status status = put_life(sql, lives_.current()); !status) return status;
  if (Status status = forget_old(sql); !status) return status;
  file.node().origin = lives_.current().origin;
  return {};
}

// Drops the lives of which nothing is left, where there are many.
Status LifeRows::forget_old(const OwnerStatements& sql) const {
  for (std::size_t i = 0; i < lives_.all().size(); ++i) {
    if (!lives_.may_go(i)) continue;
    const Life& life = lives_.all()[i];
    sqlite::Cursor any = sql.use(Sql::any_task);
    any.bind(1, static_cast<std::int64_t>(life.first_seq))
        .bind(2, static_cast<std::int64_t>(lives_.end_of(i)));
    Result<bool> found = any.step();
    if (!found) return std::move(found).error();
    if (*found) continue;
    sqlite::Cursor drop = sql.use(Sql::drop_life);
    drop.bind(1, static_cast<std::int64_t>(life.number));
    if (Status status = drop.run(); !status) return status;
  }
  return {};
}

Result<std::vector<KnownLife>> LifeRows::peers(const OwnerStatements& sql) {
  std::vector<KnownLife> peers;
  sqlite::Cursor rows = sql.use(Sql::peers);
  for (;;) {
    Result<bool> more = rows.step();
    if (!more) return std::move(more).error();
    if (!*more) return peers;
    peers.push_back({Origin{rows.unsigned_integer(0)}, rows.unsigned_integer(1),
                     Origin{rows.unsigned_integer(2)}});
  }
}

}  // namespace spillway::store
