#include "common/store/owner_sql.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "common/sqlite/packing.h"

namespace spillway::store {
namespace {

using lifecycle::LiveAttempt;
using lifecycle::OwnerTask;

// Read by read_task, in this order.
const std::string kRow =
    "task.seq, state, task.epoch, band, deadline, keep_until, reason, place, boot, offer_pending, "
    "attempts, crashes, crash_places, losses, last_failure, deps, since, wake, start_by, "
    "lease_until, run_until, created, settled, crashed_at, only_at, group_first, group_size, "
    "shared";

// ?2 to ?21, ?28 and ?30 are bound by bind_task.
const std::string kUpdate =
    "UPDATE task SET state = ?2, epoch = ?3, deadline = ?4, due = ?5, keep_until = ?6, "
    "reason = ?7, place = ?8, boot = ?9, offer_pending = ?10, attempts = ?11, crashes = ?12, "
    "crash_places = ?13, losses = ?14, last_failure = ?15, deps = ?16, since = ?17, wake = ?18, "
    "start_by = ?19, lease_until = ?20, run_until = ?21, settled = ?28, "
    "crashed_at = ?30";
const std::string kFence = " WHERE seq = ?1 AND state = ?22 AND epoch = ?23";

using Texts = std::array<std::string, static_cast<std::size_t>(Sql::count_)>;

void add_writes(Texts& texts) {
  const auto set = [&texts](Sql sql, std::string text) {
    texts[static_cast<std::size_t>(sql)] = std::move(text);
  };
  set(Sql::insert_task,
      "INSERT INTO task (seq, state, epoch, deadline, due, keep_until, reason, place, boot, "
      "offer_pending, attempts, crashes, crash_places, losses, last_failure, deps, since, wake, "
      "start_by, lease_until, run_until, band, created, kind, tenant, spec, result, settled, "
      "crashed_at, only_at, group_first, group_size, shared) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, "
      "?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?30, ?31, ?32, ?33, ?34)");
  set(Sql::update_task, kUpdate + kFence);
  set(Sql::update_task_and_result, kUpdate + ", result = ?24, spec = coalesce(?29, spec)" + kFence);
  set(Sql::put_bulk, "INSERT OR REPLACE INTO bulk (id, bytes, sum) VALUES (?1, ?2, ?3)");
  set(Sql::drop_bulk, "DELETE FROM bulk WHERE id BETWEEN ?1 AND ?2");
  // The spec of a task whose end did not reach the disk stays.
  set(Sql::drop_spare_spec,
      "DELETE FROM bulk WHERE id = 2 * ?1 AND EXISTS (SELECT 1 FROM task WHERE seq = ?1 AND spec "
      "IS NOT NULL)");
  // ?1 and ?2 are the first and last id the task's events can have.
  set(Sql::insert_event,
      "INSERT OR REPLACE INTO event (id, at, kind, epoch, place, failure, detail) VALUES "
      "(min(?2, 1 + coalesce((SELECT max(id) FROM event WHERE id BETWEEN ?1 AND ?2), ?1 - 1)), "
      "?3, ?4, ?5, ?6, ?7, ?8)");
  set(Sql::trim_events, "DELETE FROM event WHERE id BETWEEN ?1 AND ?2");
  set(Sql::put_outbox, "INSERT OR IGNORE INTO outbox (seq, epoch) VALUES (?1, ?2)");
  set(Sql::drop_outbox, "DELETE FROM outbox WHERE seq = ?1 AND epoch = ?2");
  // A task that waits for one that has ended would wait for ever.
  set(Sql::insert_wait,
      "INSERT OR REPLACE INTO waits (on_seq, seq) SELECT ?2, ?1 FROM task WHERE seq = ?2 AND "
      "state < 4");
  set(Sql::drop_waits_on, "DELETE FROM waits WHERE on_seq = ?1");
  set(Sql::put_idempotency,
      "INSERT OR IGNORE INTO idempotency (key, seq, until, wish) VALUES (?2, ?1, ?3, ?4)");
  set(Sql::drop_key, "DELETE FROM idempotency WHERE key = ?1 AND until <= ?2");
  set(Sql::drop_task, "DELETE FROM task WHERE seq = ?1");
  set(Sql::drop_waits_of, "DELETE FROM waits WHERE seq = ?1");
  set(Sql::purge_idempotency,
      "DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE until <= ?1 "
      "ORDER BY until LIMIT ?2)");
  set(Sql::drop_soonest_keys,
      "DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE until > ?1 ORDER BY "
      "until LIMIT ?2)");
}

void add_losses(Texts& texts) {
  const auto set = [&texts](Sql sql, std::string text) {
    texts[static_cast<std::size_t>(sql)] = std::move(text);
  };
  const std::string key = " WHERE class = ?1 AND cause = ?2 AND period = ?3";
  set(Sql::lose_more,
      "UPDATE loss SET first = min(first, ?4), last = max(last, ?5), count = count + ?6, "
      "reported = reported + ?7, least = max(least, ?8)" +
          key);
  set(Sql::lose_first,
      "INSERT INTO loss (class, cause, period, first, last, count, reported, least) VALUES (?1, "
      "?2, ?3, ?4, ?5, ?6, ?7, ?8)");
  set(Sql::report_loss, "UPDATE loss SET reported = max(reported, min(count, ?4))" + key);
  set(Sql::drop_loss, "DELETE FROM loss" + key);
  set(Sql::losses,
      "SELECT class, cause, period, first, last, count, reported, least FROM loss ORDER BY class, "
      "cause, period");
}

void add_lives(Texts& texts) {
  const auto set = [&texts](Sql sql, std::string text) {
    texts[static_cast<std::size_t>(sql)] = std::move(text);
  };
  set(Sql::put_life,
      "INSERT OR REPLACE INTO life (number, origin, first_seq, restored) VALUES (?1, ?2, ?3, ?4)");
  set(Sql::drop_life, "DELETE FROM life WHERE number = ?1");
  set(Sql::lives, "SELECT number, origin, first_seq, restored FROM life ORDER BY number");
  set(Sql::any_task, "SELECT seq FROM task WHERE seq >= ?1 AND seq < ?2 ORDER BY seq LIMIT 1");
  set(Sql::put_peer, "INSERT OR REPLACE INTO peer (store, number, life) VALUES (?1, ?2, ?3)");
  set(Sql::peers, "SELECT store, number, life FROM peer ORDER BY store");
  set(Sql::put_place, "INSERT OR IGNORE INTO place (id, name) VALUES (?1, ?2)");
  set(Sql::places, "SELECT id, name FROM place ORDER BY id");
}

void add_shared(Texts& texts) {
  const auto set = [&texts](Sql sql, std::string text) {
    texts[static_cast<std::size_t>(sql)] = std::move(text);
  };
  set(Sql::known_spec, "SELECT id FROM spec WHERE digest = ?1");
  set(Sql::put_spec, "INSERT INTO spec (id, digest, bytes) VALUES (?1, ?2, ?3)");
  set(Sql::shared_spec, "SELECT bytes, digest FROM spec WHERE id = ?1");
  set(Sql::shared_by, "SELECT shared FROM task WHERE seq = ?1 AND shared > 0");
  set(Sql::stop_sharing, "UPDATE task SET shared = 0 WHERE seq = ?1");
  set(Sql::drop_spec,
      "DELETE FROM spec WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM task WHERE shared = ?1 AND "
      "shared > 0)");
}

void add_reads(Texts& texts) {
  const auto set = [&texts](Sql sql, std::string text) {
    texts[static_cast<std::size_t>(sql)] = std::move(text);
  };
  // Two statements, because a comparison of rows does not reach the rowid in an index, and most
  // ready tasks differ in nothing else.
  set(Sql::ready_beside,
      "SELECT " + kRow +
          ", spec, result FROM task WHERE state = 1 AND band = ?1 AND deadline = ?2 AND "
          "seq > ?4 ORDER BY seq LIMIT ?3");
  set(Sql::ready_beyond,
      "SELECT " + kRow +
          ", spec, result FROM task WHERE state = 1 AND (band, deadline) > (?1, ?2) "
          "ORDER BY band, deadline, seq LIMIT ?3");
  set(Sql::due,
      "SELECT " + kRow +
          ", spec, result, due FROM task WHERE due IS NOT NULL ORDER BY due, seq LIMIT ?1");
  set(Sql::find_task, "SELECT " + kRow + ", spec, result, kind, tenant FROM task WHERE seq = ?1");
  set(Sql::list_tasks,
      "SELECT " + kRow + ", kind, tenant FROM task WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2");
  set(Sql::dependents,
      "SELECT " + kRow +
          ", spec, result FROM waits CROSS JOIN task ON task.seq = waits.seq WHERE on_seq = "
          "?1 AND state < 4 ORDER BY waits.seq");
  set(Sql::anyone_waits, "SELECT on_seq FROM waits WHERE on_seq > 0 ORDER BY on_seq LIMIT 1");
  set(Sql::ended_parent,
      "SELECT on_seq, state FROM waits CROSS JOIN task ON task.seq = on_seq WHERE on_seq > ?1 AND "
      "state > 3 ORDER BY on_seq LIMIT 1");
  set(Sql::find_idempotency, "SELECT seq, wish FROM idempotency WHERE key = ?1 AND until > ?2");
  set(Sql::bulk, "SELECT bytes, sum FROM bulk WHERE id = ?1");
  set(Sql::events,
      "SELECT id, at, kind, epoch, place, failure, detail FROM event WHERE id BETWEEN ?1 AND ?2 "
      "ORDER BY id DESC LIMIT ?3");
  set(Sql::waits_of, "SELECT on_seq FROM waits WHERE seq = ?1 ORDER BY on_seq");
  set(Sql::live_tasks,
      "SELECT " + kRow + ", spec, result FROM task INDEXED BY task_live WHERE state IN (2, 3)");
  set(Sql::outbox, "SELECT seq, epoch FROM outbox ORDER BY seq, epoch");
  set(Sql::purgeable,
      "SELECT seq, state, band, since, keep_until, shared FROM task WHERE keep_until <= ?1 AND "
      "NOT EXISTS (SELECT 1 FROM waits WHERE on_seq = task.seq) ORDER BY keep_until LIMIT ?2");
  set(Sql::events_after, "SELECT id, at FROM event WHERE id > ?1 ORDER BY id LIMIT ?2");
  set(Sql::next_purge,
      "SELECT keep_until FROM task WHERE keep_until IS NOT NULL ORDER BY keep_until LIMIT 1");
}

// The first few places have a bit each in `crash_places`, where versions that knew but two had
// them.
constexpr std::uint32_t kCrashBits = 8;

std::int64_t crash_bits(PlaceId place) {
  return place == kNowhere || place.value >= kCrashBits ? 0 : std::int64_t{1} << place.value;
}

PlaceId read_crash_bits(std::int64_t bits) {
  if (bits <= 0) return kNowhere;
  return {static_cast<std::uint32_t>(std::countr_zero(static_cast<std::uint64_t>(bits)))};
}

PlaceId read_place(const sqlite::Cursor& cursor, int column, bool& good) {
  const std::int64_t value = cursor.integer(column);
  good = good && value >= 0 && value <= Places::kMost;
  return {static_cast<std::uint32_t>(value)};
}

NodeTime due_time(const OwnerTask& task) {
  if (task.state > TaskState::ready) return kNever;
  const NodeTime soonest = std::min(task.deadline, task.start_by);
  return task.state == TaskState::waiting ? std::min(soonest, task.wake) : soonest;
}

}  // namespace

const std::string& sql_text(Sql sql) {
  static const Texts kTexts = [] {
    Texts texts;
    add_writes(texts);
    add_losses(texts);
    add_lives(texts);
    add_shared(texts);
    add_reads(texts);
    return texts;
  }();
  return kTexts[static_cast<std::size_t>(sql)];
}

Result<OwnerStatements> OwnerStatements::prepare(const sqlite::Database& database) {
  OwnerStatements all;
  for (std::size_t i = 0; i < all.statements_.size(); ++i) {
    Result<sqlite::Statement> statement = database.prepare(sql_text(static_cast<Sql>(i)));
    if (!statement) return std::move(statement).error();
    all.statements_[i] = *std::move(statement);
  }
  return all;
}

void bind_task(sqlite::Cursor& cursor, std::uint64_t seq, const OwnerTask& task,
               NodeTime keep_until) {
  const auto bind = [&cursor](int at, auto value) {
    cursor.bind(at, static_cast<std::int64_t>(value));
  };
  bind(1, seq);
  bind(2, task.state);
  bind(3, task.epoch.value);
  bind(4, task.deadline.time_since_epoch().count());
  sqlite::bind_time(cursor, 5, due_time(task));
  sqlite::bind_time(cursor, 6, keep_until);
  bind(7, task.reason);
  assert(task.live.size() <= 1 && "a row has columns for one live attempt");
  const LiveAttempt out = task.live.empty() ? LiveAttempt{} : task.live.back();
  bind(8, out.place.value);
  bind(9, out.boot.value);
  bind(10, out.offer_pending);
  bind(11, task.attempts);
  bind(12, task.crashes);
  bind(13, crash_bits(task.crashed_at));
  bind(14, task.losses);
  bind(15, task.last_failure);
  bind(16, task.deps);
  bind(17, task.since.time_since_epoch().count());
  sqlite::bind_time(cursor, 18, task.wake);
  sqlite::bind_time(cursor, 19, task.start_by);
  sqlite::bind_time(cursor, 20, out.lease_until);
  sqlite::bind_time(cursor, 21, out.run_until);
  bind(28, task.settled.value);
  bind(30, task.crashed_at.value);
}

Result<TaskRow> read_task(const sqlite::Cursor& cursor) {
  TaskRow row;
  OwnerTask& task = row.task;
  bool good = true;
  row.seq = cursor.unsigned_integer(0);
  task.state = sqlite::read_enum(cursor, 1, TaskState::expired, good);
  task.epoch.value = sqlite::read_count(cursor, 2);
  row.band = sqlite::read_enum(cursor, 3, Band::background, good);
  task.deadline = sqlite::read_time(cursor, 4);
  row.keep_until = sqlite::read_time(cursor, 5);
  task.reason = sqlite::read_enum(cursor, 6, WaitReason::no_place, good);
  LiveAttempt out;  // the last one granted, if it is live
  out.epoch = task.epoch;
  out.place = read_place(cursor, 7, good);
  out.boot.value = cursor.unsigned_integer(8);
  out.started = task.state == TaskState::running;
  out.offer_pending = cursor.integer(9) != 0;
  task.attempts = sqlite::read_count(cursor, 10);
  task.crashes = sqlite::read_count(cursor, 11);
  task.losses = sqlite::read_count(cursor, 13);
  task.last_failure = sqlite::read_enum(cursor, 14, FailureClass::disconnected, good);
  task.deps = sqlite::read_count(cursor, 15);
  task.since = sqlite::read_time(cursor, 16);
  task.wake = sqlite::read_time(cursor, 17);
  task.start_by = sqlite::read_time(cursor, 18);
  out.lease_until = sqlite::read_time(cursor, 19);
  out.run_until = sqlite::read_time(cursor, 20);
  if (out.place != kNowhere) task.live.push_back(out);
  row.created = sqlite::read_time(cursor, 21);
  task.settled.value = sqlite::read_count(cursor, 22);
  task.crashed_at = read_place(cursor, 23, good);
  if (task.crashed_at.value < kCrashBits) task.crashed_at = read_crash_bits(cursor.integer(12));
  row.only_at = read_place(cursor, 24, good);
  row.together = {cursor.unsigned_integer(25), sqlite::read_count(cursor, 26)};
  if (!good || row.seq == 0 || row.seq > kMaxSeq) {
    return fail(Code::corrupt, "task " + std::to_string(row.seq) + ": its row makes no sense");
  }
  return row;
}

Result<EventRow> read_event(const sqlite::Cursor& cursor) {
  EventRow event;
  bool good = true;
  event.seq = static_cast<std::uint64_t>(cursor.integer(0) / kEventsPerSeq);
  event.at = sqlite::read_time(cursor, 1);
  event.kind = sqlite::read_enum(cursor, 2, EventKind::recovered, good);
  event.epoch.value = sqlite::read_count(cursor, 3);
  event.place = read_place(cursor, 4, good);
  event.failure = sqlite::read_enum(cursor, 5, FailureClass::disconnected, good);
  event.detail = sqlite::unpack(cursor.bytes(6));
  if (!good) {
    return fail(Code::corrupt, "task " + std::to_string(event.seq) + ": an event makes no sense");
  }
  return event;
}

}  // namespace spillway::store
