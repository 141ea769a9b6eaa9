#include "common/store/owner_tables.h"

namespace spillway::store {

Status OwnerTables::read_lives() {
  std::vector<Life> kept;
  Cursor rows = sql_.use(Sql::lives);
  for (;;) {
    Result<bool> more = rows.step();
    if (!more) return std::move(more).error();
    if (!*more) break;
    kept.push_back({rows.unsigned_integer(0), Origin{rows.unsigned_integer(1)},
                    rows.unsigned_integer(2), rows.integer(3) != 0});
  }
  lives_ = Lives(kept, file_.node().origin);
  return {};
}

// With the first batch of a process. The node row goes back with a rollback, and with it what it
// says of this.
Status OwnerTables::note_life() {
  const std::vector<Life>& all = lives_.all();
  if (file_.node().origin == lives_.current().origin) return {};
  // A store from before there were lives has no row of the first one.
  if (all.size() == 2) {
    if (Status status = put_life(all.front()); !status) return status;
  }
  if (Status status = put_life(lives_.current()); !status) return status;
  if (Status status = forget_lives(); !status) return status;
  file_.node().origin = lives_.current().origin;
  return {};
}

Status OwnerTables::put_life(const Life& life) {
  Cursor cursor = sql_.use(Sql::put_life);
  return cursor.bind(1, static_cast<std::int64_t>(life.number))
      .bind(2, static_cast<std::int64_t>(life.origin.value))
      .bind(3, static_cast<std::int64_t>(life.first_seq))
      .bind(4, static_cast<std::int64_t>(life.restored))
      .run();
}

// Those of which nothing is left, where there are many.
Status OwnerTables::forget_lives() {
  for (std::size_t i = 0; i < lives_.all().size(); ++i) {
    if (!lives_.may_go(i)) continue;
    const Life& life = lives_.all()[i];
    Cursor any = sql_.use(Sql::any_task);
    any.bind(1, static_cast<std::int64_t>(life.first_seq))
        .bind(2, static_cast<std::int64_t>(lives_.end_of(i)));
    Result<bool> found = any.step();
    if (!found) return std::move(found).error();
    if (*found) continue;
    Cursor drop = sql_.use(Sql::drop_life);
    drop.bind(1, static_cast<std::int64_t>(life.number));
    if (Status status = drop.run(); !status) return status;
  }
  return {};
}

Status OwnerTables::note_peers(const Batch& batch) {
  for (const KnownLife& peer : batch.peers) {
    Cursor cursor = sql_.use(Sql::put_peer);
    Status put = cursor.bind(1, static_cast<std::int64_t>(peer.store.value))
                     .bind(2, static_cast<std::int64_t>(peer.number))
                     .bind(3, static_cast<std::int64_t>(peer.life.value))
                     .run();
    if (!put) return put;
  }
  if (!batch.restored) return {};
  lives_.mark_restored();
  return put_life(lives_.current());
}

Result<std::vector<KnownLife>> OwnerTables::peers() const {
  std::vector<KnownLife> peers;
  Cursor rows = sql_.use(Sql::peers);
  for (;;) {
    Result<bool> more = rows.step();
    if (!more) return std::move(more).error();
    if (!*more) return peers;
    peers.push_back({Origin{rows.unsigned_integer(0)}, rows.unsigned_integer(1),
                     Origin{rows.unsigned_integer(2)}});
  }
}

}  // namespace spillway::store
