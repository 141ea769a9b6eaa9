#include "common/ledger/ledger_tables.h"

#include <algorithm>
#include <iterator>

#include "common/crypto/sha256.h"
#include "common/sqlite/row_values.h"

namespace spillway::ledger {
namespace {

using lifecycle::LeaseState;
using lifecycle::LesseeTask;
using sqlite::Cursor;

// Read by read_row, in this order.
const std::string kRow =
    "origin, seq, device, state, epoch, boot, effects, failure, deadline, run_until, lease_until, "
    "spec_digest, accepted, spec, result, named, kind, band, started, ended, ran, cpu";
// ?1 and ?2 name the task, ?3 to ?9 are bound by bind_task, ?10 and ?11 are the fence.
const std::string kUpdate =
    "UPDATE lease SET state = ?3, epoch = ?4, boot = ?5, failure = ?6, deadline = ?7, "
    "run_until = ?8, lease_until = ?9, effects = ?12";
// Bound by bind_past.
const std::string kPast =
    ", kind = ?15, band = ?16, started = ?17, ended = ?18, ran = ?19, cpu = ?20";
const std::string kFence = " WHERE origin = ?1 AND seq = ?2 AND state = ?10 AND epoch = ?11";

constexpr std::int64_t kSpec = 0, kResult = 1;  // parts in `bulk`

using Texts = std::array<std::string, static_cast<std::size_t>(Sql::count_)>;

Texts make_texts() {
  Texts texts;
  const auto set = [&texts](Sql sql, std::string text) {
    texts[static_cast<std::size_t>(sql)] = std::move(text);
  };
  set(Sql::insert,
      "INSERT INTO lease (origin, seq, state, epoch, boot, failure, deadline, run_until, "
      "lease_until, effects, device, spec_digest, accepted, answered_at, spec, result, named, "
      "kind, "
      "band, started, ended, ran, cpu) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?12, ?13, ?14, "
      "?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)");
  set(Sql::update, kUpdate + kFence);
  set(Sql::update_body,
      kUpdate + ", answered_at = NULL, spec = coalesce(?13, spec), result = ?14" + kPast + kFence);
  set(Sql::answer, kUpdate + ", answered_at = ?13, spec = NULL, result = NULL" + kPast + kFence);
  set(Sql::put_bulk,
      "INSERT OR REPLACE INTO bulk (origin, seq, part, bytes, sum) VALUES (?1, ?2, ?3, ?4, ?5)");
  set(Sql::drop_bulk, "DELETE FROM bulk WHERE origin = ?1 AND seq = ?2");
  set(Sql::find, "SELECT " + kRow + " FROM lease WHERE origin = ?1 AND seq = ?2");
  set(Sql::held, "SELECT " + kRow + " FROM lease WHERE answered_at IS NULL");
  set(Sql::answered,
      "SELECT " + kRow +
          " FROM lease WHERE answered_at IS NOT NULL ORDER BY answered_at DESC LIMIT ?1");
  set(Sql::bulk, "SELECT bytes, sum FROM bulk WHERE origin = ?1 AND seq = ?2 AND part = ?3");
  set(Sql::oldest,
      "SELECT origin, seq FROM lease WHERE answered_at < ?1 ORDER BY answered_at LIMIT ?2");
  set(Sql::drop_tombstone,
      "DELETE FROM lease WHERE origin = ?1 AND seq = ?2 AND device = ?3 AND "
      "answered_at IS NOT NULL");
  set(Sql::drop, "DELETE FROM lease WHERE origin = ?1 AND seq = ?2");
  return texts;
}

void bind_task(Cursor& cursor, const LesseeTask& task) {
  cursor.bind(3, static_cast<std::int64_t>(task.state))
      .bind(4, static_cast<std::int64_t>(task.epoch.value))
      .bind(5, static_cast<std::int64_t>(task.boot.value))
      .bind(6, static_cast<std::int64_t>(task.failure));
  sqlite::bind_time(cursor, 7, task.deadline);
  sqlite::bind_time(cursor, 8, task.run_until);
  sqlite::bind_time(cursor, 9, task.lease_until);
  cursor.bind(12, static_cast<std::int64_t>(task.effects));
}

void bind_past(Cursor& cursor, int at, const Past& past) {
  if (past.kind.empty()) {
    for (int i = 0; i < 6; ++i) cursor.bind_null(at + i);
    return;
  }
  const auto instant = [](NodeTime time) { return time == NodeTime{} ? kNever : time; };
  cursor.bind(at, std::string_view(past.kind)).bind(at + 1, static_cast<std::int64_t>(past.band));
  sqlite::bind_time(cursor, at + 2, instant(past.started));
  sqlite::bind_time(cursor, at + 3, instant(past.ended));
  cursor.bind(at + 4, static_cast<std::int64_t>(past.ran.count()))
      .bind(at + 5, static_cast<std::int64_t>(past.cpu.count()));
}

Past read_past(const Cursor& cursor, int at, bool& good) {
  Past past;
  if (cursor.is_null(at)) return past;
  const auto instant = [&cursor](int column) {
    const NodeTime time = sqlite::read_time(cursor, column);
    return time == kNever ? NodeTime{} : time;
  };
  past.kind = cursor.text(at);
  past.band = sqlite::read_enum(cursor, at + 1, Band::background, good);
  past.started = instant(at + 2);
  past.ended = instant(at + 3);
  past.ran = Duration(cursor.integer(at + 4));
  past.cpu = Duration(cursor.integer(at + 5));
  return past;
}

Error comes_without_spec(TaskId id) {
  return fail(Code::invalid_argument, "task " + to_string(id) + ": comes without a spec");
}

// Whether an error says something of one row, and nothing of the disk.
bool is_of_one_row(const Error& error) {
  return error.code == Code::conflict || error.code == Code::invalid_argument ||
         error.code == Code::not_found;
}

Error makes_no_sense(TaskId id) {
  return fail(Code::corrupt, "task " + to_string(id) + ": its ledger row makes no sense");
}

}  // namespace

const std::string& sql_text(Sql sql) {
  static const Texts kTexts = make_texts();
  return kTexts[static_cast<std::size_t>(sql)];
}

LedgerTables::LedgerTables(sqlite::NodeFile file, Statements sql, LossTables losses)
    : file_(std::move(file)), sql_(std::move(sql)), losses_(std::move(losses)) {}

Result<LedgerTables> LedgerTables::open(sqlite::Database database, const std::string& path,
                                        const sqlite::SharedMeter& meter) {
  Statements all;
  for (std::size_t i = 0; i < all.size(); ++i) {
    Result<sqlite::Statement> statement = database.prepare(sql_text(static_cast<Sql>(i)));
    if (!statement) return std::move(statement).error();
    all[i] = *std::move(statement);
  }
  Result<LossTables> losses = LossTables::open(database);
  if (!losses) return std::move(losses).error();
  Result<sqlite::NodeFile> file = sqlite::NodeFile::open(std::move(database), path, meter);
  if (!file) return std::move(file).error();
  return LedgerTables(*std::move(file), std::move(all), *std::move(losses));
}

Cursor LedgerTables::use(Sql sql, TaskId id) const {
  Cursor cursor = use(sql);
  cursor.bind(1, static_cast<std::int64_t>(id.origin.value))
      .bind(2, static_cast<std::int64_t>(id.seq));
  return cursor;
}

Result<Refused> LedgerTables::apply(const LedgerBatch& batch) {
  Refused refused;
  const auto sort_out = [&refused](TaskId id, Status status) -> Status {
    if (status || !is_of_one_row(status.error())) return status;
    refused.push_back({id, std::move(status).error()});
    return {};
  };
  for (const LedgerRow& row : batch.inserts) {
    Status status = sort_out(row.id, insert(row, batch.now));
    if (!status) return std::move(status).error();
  }
  for (const LedgerUpdate& change : batch.updates) {
    Status status = sort_out(change.id, update(change, batch.now));
    if (!status) return std::move(status).error();
  }
  for (const auto& [device, report] : batch.losses) {
    if (Status status = losses_.apply(device, report); !status) return std::move(status).error();
  }
  for (const auto& [device, entry] : batch.lost) {
    if (Status status = losses_.add(device, entry); !status) return std::move(status).error();
  }
  file_.seen(batch.now, batch.wall, batch.session);
  return refused;
}

Status LedgerTables::insert(const LedgerRow& row, NodeTime now) {
  Status status = insert_row(row, now);
  if (!status && status.error().code == Code::conflict) {
    Result<bool> dropped = drop_tombstone(row);
    if (!dropped) return std::move(dropped).error();
    if (!*dropped) return fail(Code::conflict, "task " + to_string(row.id) + ": is already held");
    status = insert_row(row, now);
  }
  if (!status) return status;
  ++count(row.task.state);
  if (row.task.state == LeaseState::answered) return {};
  if (Status put = put_bulk(row.id, kSpec, row.spec); !put) return put;
  return put_bulk(row.id, kResult, row.result);
}

Status LedgerTables::insert_row(const LedgerRow& row, NodeTime now) {
  const bool answered = row.task.state == LeaseState::answered;
  if (!row.spec && !answered) return comes_without_spec(row.id);
  Cursor cursor = use(Sql::insert, row.id);
  bind_task(cursor, row.task);
  cursor.bind(13, std::string_view(row.device))
      .bind(14, ByteView(row.spec_digest))
      .bind(15, row.accepted.time_since_epoch().count());
  sqlite::bind_time(cursor, 16, answered ? now : kNever);
  sqlite::bind_bytes(cursor, 17, answered ? nullptr : row.spec);
  sqlite::bind_bytes(cursor, 18, answered ? nullptr : row.result);
  if (row.named) {
    cursor.bind(19, static_cast<std::int64_t>(row.named->value));
  } else {
    cursor.bind_null(19);
  }
  bind_past(cursor, 20, row.past);
  return cursor.run();
}

// Drops the tombstone in the new row's place, unless it is another owner's; whether it was there.
Result<bool> LedgerTables::drop_tombstone(const LedgerRow& by) {
  Cursor cursor = use(Sql::drop_tombstone, by.id);
  Status status = cursor.bind(3, std::string_view(by.device)).run();
  if (!status) return std::move(status).error();
  if (file_.database().changes() == 0) return false;
  --count(LeaseState::answered);
  return true;
}

Status LedgerTables::update(const LedgerUpdate& change, NodeTime now) {
  const bool answers = change.next.state == LeaseState::answered;
  const bool revives = change.was_state == LeaseState::answered && !answers;
  if (revives && !change.spec) return comes_without_spec(change.id);
  const bool has_body = change.result || revives;
  Cursor cursor = use(answers ? Sql::answer : has_body ? Sql::update_body : Sql::update, change.id);
  bind_task(cursor, change.next);
  cursor.bind(10, static_cast<std::int64_t>(change.was_state))
      .bind(11, static_cast<std::int64_t>(change.was_epoch.value));
  if (answers) sqlite::bind_time(cursor, 13, now);
  if (!answers && has_body) {
    sqlite::bind_bytes(cursor, 13, change.spec);
    sqlite::bind_bytes(cursor, 14, change.result);
  }
  if (answers || has_body) bind_past(cursor, 15, change.past);
  if (Status status = cursor.run(); !status) return status;
  if (file_.database().changes() == 0) return does_not_match(change);
  --count(change.was_state);
  ++count(change.next.state);
  if (answers) return use(Sql::drop_bulk, change.id).run();
  if (Status status = put_bulk(change.id, kSpec, change.spec); !status) return status;
  return put_bulk(change.id, kResult, change.result);
}

Error LedgerTables::does_not_match(const LedgerUpdate& change) const {
  Result<bool> there = use(Sql::find, change.id).step();
  if (!there) return std::move(there).error();
  const std::string name = "task " + to_string(change.id);
  if (!*there) return fail(Code::not_found, name + " is not in the ledger any more");
  return fail(Code::conflict, name + ": the ledger's row is not (or no longer) in state " +
                                  std::to_string(static_cast<int>(change.was_state)) +
                                  " in epoch " + std::to_string(change.was_epoch.value));
}

Status LedgerTables::put_bulk(TaskId id, std::int64_t part, const sqlite::EncodedBytes& bytes) {
  if (!sqlite::is_bulk(bytes)) return {};
  Cursor cursor = use(Sql::put_bulk, id);
  cursor.bind(3, part).bind(4, ByteView(*bytes));
  // A spec's digest is in its row.
  if (part == kSpec) return cursor.bind_null(5).run();
  return cursor.bind(5, sqlite::sum_of(*bytes)).run();
}

Result<std::vector<TaskId>> LedgerTables::prune(NodeTime before, std::size_t keep,
                                                std::size_t limit) {
  const std::uint64_t have = count(LeaseState::answered);
  const std::uint64_t over =
      std::min<std::uint64_t>(have - std::min<std::uint64_t>(have, keep), limit);
  std::vector<TaskId> dropped;
  Cursor any_age = use(Sql::oldest);
  any_age.bind(1, kNever.time_since_epoch().count()).bind(2, static_cast<std::int64_t>(over));
  Status beyond = drop_rows(std::move(any_age), dropped);
  if (!beyond) return std::move(beyond).error();
  Cursor old = use(Sql::oldest);
  old.bind(1, before.time_since_epoch().count())
      .bind(2, static_cast<std::int64_t>(limit - dropped.size()));
  if (Status aged = drop_rows(std::move(old), dropped); !aged) return std::move(aged).error();
  if (Result<bool> more = file_.shrink(); !more) return std::move(more).error();
  return dropped;
}

Status LedgerTables::drop_rows(Cursor cursor, std::vector<TaskId>& dropped) {
  const std::size_t first = dropped.size();
  for (;;) {
    Result<bool> row = cursor.step();
    if (!row) return std::move(row).error();
    if (!*row) break;
    dropped.push_back({Origin{cursor.unsigned_integer(0)}, cursor.unsigned_integer(1)});
  }
  for (std::size_t i = first; i < dropped.size(); ++i) {
    if (Status status = use(Sql::drop, dropped[i]).run(); !status) return status;
    --count(LeaseState::answered);
  }
  return {};
}

Result<LedgerRecovered> LedgerTables::recover(std::size_t answered) const {
  const sqlite::NodeRow& node = file_.node();
  LedgerRecovered recovered;
  recovered.last_seen = node.last_seen;
  recovered.wall_at_last_seen = node.wall;
  recovered.session = node.session;
  Result<std::vector<LedgerRow>> held = read_rows(use(Sql::held));
  if (!held) return std::move(held).error();
  recovered.held = *std::move(held);
  Cursor newest = use(Sql::answered);
  newest.bind(1, static_cast<std::int64_t>(answered));
  Result<std::vector<LedgerRow>> tombstones = read_rows(std::move(newest));
  if (!tombstones) return std::move(tombstones).error();
  recovered.answered.assign(std::make_move_iterator(tombstones->rbegin()),
                            std::make_move_iterator(tombstones->rend()));
  return recovered;
}

Result<std::vector<LedgerRow>> LedgerTables::read_rows(Cursor cursor) const {
  std::vector<LedgerRow> rows;
  for (;;) {
    Result<bool> more = cursor.step();
    if (!more) return std::move(more).error();
    if (!*more) return rows;
    Result<LedgerRow> row = read_row(cursor);
    if (!row) return std::move(row).error();
    rows.push_back(*std::move(row));
  }
}

Result<std::optional<LedgerRow>> LedgerTables::find(TaskId id) const {
  Cursor cursor = use(Sql::find, id);
  Result<bool> found = cursor.step();
  if (!found) return std::move(found).error();
  if (!*found) return std::optional<LedgerRow>();
  Result<LedgerRow> row = read_row(cursor);
  if (!row) return std::move(row).error();
  return std::optional(*std::move(row));
}

Result<LedgerRow> LedgerTables::read_row(const Cursor& cursor) const {
  LedgerRow row;
  bool good = true;
  row.id = TaskId{Origin{cursor.unsigned_integer(0)}, cursor.unsigned_integer(1)};
  row.device = cursor.text(2);
  if (!cursor.is_null(15)) row.named = Origin{cursor.unsigned_integer(15)};
  row.task.state = sqlite::read_enum(cursor, 3, LeaseState::answered, good);
  row.task.epoch.value = sqlite::read_count(cursor, 4);
  row.task.boot.value = cursor.unsigned_integer(5);
  row.task.effects = sqlite::read_enum(cursor, 6, Effects::once, good);
  row.task.failure = sqlite::read_enum(cursor, 7, FailureClass::disconnected, good);
  row.task.deadline = sqlite::read_time(cursor, 8);
  row.task.run_until = sqlite::read_time(cursor, 9);
  row.task.lease_until = sqlite::read_time(cursor, 10);
  row.past = read_past(cursor, 16, good);
  const ByteView digest = cursor.bytes(11);
  good = good && digest.size() == row.spec_digest.size();
  if (!good) return makes_no_sense(row.id);
  row.accepted = sqlite::read_time(cursor, 12);
  std::copy(digest.begin(), digest.end(), row.spec_digest.begin());
  if (row.task.state == LeaseState::answered) return row;
  Result<sqlite::EncodedBytes> spec = read_body(cursor, 13, row.id, kSpec);
  if (!spec) return std::move(spec).error();
  Result<sqlite::EncodedBytes> result = read_body(cursor, 14, row.id, kResult);
  if (!result) return std::move(result).error();
  row.spec = *std::move(spec);
  row.result = *std::move(result);
  const bool complete = row.spec && crypto::sha256(*row.spec) == row.spec_digest &&
                        (row.result || row.task.state != LeaseState::done);
  return complete ? Result<LedgerRow>(std::move(row)) : makes_no_sense(row.id);
}

Result<sqlite::EncodedBytes> LedgerTables::read_body(const Cursor& cursor, int column, TaskId id,
                                                     std::int64_t part) const {
  if (sqlite::EncodedBytes inlined = sqlite::read_bytes(cursor, column)) return inlined;
  Cursor bulk = use(Sql::bulk, id);
  bulk.bind(3, part);
  Result<bool> row = bulk.step();
  if (!row) return std::move(row).error();
  if (!*row) return sqlite::EncodedBytes();
  Result<sqlite::EncodedBytes> bytes = sqlite::read_bulk(bulk, 0);
  // Another run may give it again, so it costs neither the row nor the file.
  const bool spoiled = !bytes && bytes.error().code == Code::corrupt && part == kResult;
  return spoiled ? std::make_shared<const Bytes>() : std::move(bytes);
}

}  // namespace spillway::ledger
