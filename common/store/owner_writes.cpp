#include <algorithm>

#include "common/sqlite/packing.h"
#include "common/store/loss_rows.h"
#include "common/store/owner_tables.h"

namespace spillway::store {
namespace {

std::string name_of(std::uint64_t seq) { return "task " + std::to_string(seq); }

// Whether an error says something of one task, and nothing of the disk.
bool is_of_one_row(const Error& error) {
  return error.code == Code::conflict || error.code == Code::invalid_argument ||
         error.code == Code::not_found;
}

bool is_among(const Refused& refused, std::uint64_t seq) {
  return std::any_of(refused.begin(), refused.end(),
                     [seq](const RefusedTask& one) { return one.seq == seq; });
}

}  // namespace

OwnerTables::OwnerTables(sqlite::NodeFile file, OwnerStatements sql, const Options& options)
    : file_(std::move(file)),
      sql_(std::move(sql)),
      options_(options),
      plan_(sqlite::plan_disk(options.budget.disk)) {}

Result<OwnerTables> OwnerTables::open(sqlite::Database database, const std::string& path,
                                      const Options& options, sqlite::SharedMeter meter) {
  Result<OwnerStatements> sql = OwnerStatements::prepare(database);
  if (!sql) return std::move(sql).error();
  Result<sqlite::NodeFile> file =
      sqlite::NodeFile::open(std::move(database), path, std::move(meter));
  if (!file) return std::move(file).error();
  OwnerTables tables(*std::move(file), *std::move(sql), options);
  if (Status status = tables.lives_.read(tables.file_, tables.sql_); !status)
    return std::move(status).error();
  return tables;
}

Result<Refused> OwnerTables::apply(const Batch& batch) {
  Refused refused;
  specs_.begin();
  if (Status status = lives_.note(file_, sql_, batch); !status) return std::move(status).error();
  if (Status status = make_room(batch); !status) return std::move(status).error();
  for (const PlaceName& known : batch.places) {
    if (Status status = keep_name(known); !status) return std::move(status).error();
  }
  if (Status status = write_tasks(batch, refused); !status) return std::move(status).error();
  if (Status status = write_steps(batch, refused); !status) return std::move(status).error();
  for (const std::uint64_t seq : batch.deps_done) {
    if (Status status = run(Sql::drop_waits_on, seq); !status) return std::move(status).error();
  }
  if (Status status = specs_.settle(file_.database(), sql_); !status) {
    return std::move(status).error();
  }
  if (Status status = note_losses(file_, sql_, batch); !status) return std::move(status).error();
  file_.seen(batch.now, batch.wall, batch.session);
  return refused;
}

Status OwnerTables::keep_name(const PlaceName& known) {
  sqlite::Cursor cursor = sql_.use(Sql::put_place);
  return cursor.bind(1, static_cast<std::int64_t>(known.place.value))
      .bind(2, std::string_view(known.name))
      .run();
}

Status OwnerTables::write_tasks(const Batch& batch, Refused& refused) {
  const auto sort_out = [&refused](std::uint64_t seq, Status status) -> Status {
    if (status || !is_of_one_row(status.error())) return status;
    refused.push_back({seq, std::move(status).error()});
    return {};
  };
  for (const NewTask& task : batch.inserts) {
    if (Status status = sort_out(task.row.seq, insert(task, batch.now)); !status) return status;
  }
  for (const TaskUpdate& change : batch.updates) {
    if (is_among(refused, change.seq)) continue;
    if (Status status = sort_out(change.seq, update(change)); !status) return status;
  }
  return {};
}

Status OwnerTables::write_steps(const Batch& batch, const Refused& refused) {
  for (const EventRow& event : batch.events) {
    if (is_among(refused, event.seq)) continue;
    if (Status status = append(event); !status) return status;
  }
  for (const OutboxRow& row : batch.outbox_put) {
    if (is_among(refused, row.seq)) continue;
    if (Status status = run(Sql::put_outbox, row); !status) return status;
  }
  for (const OutboxRow& row : batch.outbox_drop) {
    if (is_among(refused, row.seq)) continue;
    if (Status status = run(Sql::drop_outbox, row); !status) return status;
  }
  return {};
}

Status OwnerTables::insert(const NewTask& task, NodeTime now) {
  const std::uint64_t seq = task.row.seq;
  if (seq == 0 || seq > kMaxSeq || !task.row.spec) {
    return fail(Code::invalid_argument, name_of(seq) + ": needs a number up to 2^43 and a spec");
  }
  const Result<std::int64_t> shared = specs_.share(sql_, task.row);
  if (!shared) return shared.error();
  if (Status status = insert_row(task, *shared); !status) return status;
  if (*shared == 0) {
    if (Status status = put_bulk(spec_id(seq), task.row.spec); !status) return status;
  }
  if (Status status = put_bulk(result_id(seq), task.row.result); !status) return status;
  Status fits = wait_for(seq, task.after);
  if (fits) fits = remember_key(task, now);
  if (!fits) return is_of_one_row(fits.error()) ? take_back(task, std::move(fits).error()) : fits;
  ++count(task.row.task.state);
  ++produced(DataClass::tasks);
  file_.node().next_seq = std::max(file_.node().next_seq, seq + 1);
  return {};
}

// The task's row is in, and something about it does not fit: the others of its batch go on without
// it.
Status OwnerTables::take_back(const NewTask& task, Error why) {
  const std::uint64_t seq = task.row.seq;
  if (Status status = run(Sql::drop_task, seq); !status) return status;
  if (Status status = run(Sql::drop_waits_of, seq); !status) return status;
  if (Status status = drop_bulk(spec_id(seq), result_id(seq)); !status) return status;
  return why;
}

Status OwnerTables::insert_row(const NewTask& task, std::int64_t shared) {
  sqlite::Cursor cursor = sql_.use(Sql::insert_task);
  bind_task(cursor, task.row.seq, task.row.task, task.row.keep_until);
  cursor.bind(22, static_cast<std::int64_t>(task.row.band))
      .bind(23, task.row.created.time_since_epoch().count())
      .bind(24, std::string_view(task.kind))
      .bind(25, std::string_view(task.tenant));
  sqlite::bind_bytes(cursor, 26, task.row.spec);
  sqlite::bind_bytes(cursor, 27, task.row.result);
  cursor.bind(31, static_cast<std::int64_t>(task.row.only_at.value))
      .bind(32, static_cast<std::int64_t>(task.row.together.first))
      .bind(33, static_cast<std::int64_t>(task.row.together.size))
      .bind(34, shared);
  return cursor.run();
}

Status OwnerTables::wait_for(std::uint64_t seq, const std::vector<std::uint64_t>& after) {
  for (const std::uint64_t on : after) {
    sqlite::Cursor cursor = sql_.use(Sql::insert_wait);
    cursor.bind(1, static_cast<std::int64_t>(seq)).bind(2, static_cast<std::int64_t>(on));
    if (Status status = cursor.run(); !status) return status;
    if (file_.database().changes() == 0) {
      return fail(Code::conflict, name_of(seq) + ": comes after " + name_of(on) +
                                      ", which has ended or is not here");
    }
  }
  return {};
}

Status OwnerTables::remember_key(const NewTask& task, NodeTime now) {
  if (task.idempotency_key.empty()) return {};
  sqlite::Cursor over = sql_.use(Sql::drop_key);
  over.bind(1, std::string_view(task.idempotency_key)).bind(2, now.time_since_epoch().count());
  if (Status status = over.run(); !status) return status;
  file_.node().keys -= changed();
  sqlite::Cursor cursor = sql_.use(Sql::put_idempotency);
  cursor.bind(1, static_cast<std::int64_t>(task.row.seq))
      .bind(2, std::string_view(task.idempotency_key))
      .bind(3, task.idempotency_until.time_since_epoch().count())
      .bind(4, ByteView(task.wish));
  if (Status status = cursor.run(); !status) return status;
  file_.node().keys += changed();
  if (changed() != 0) return {};
  return fail(Code::conflict,
              "the idempotency key '" + task.idempotency_key + "' already names a task");
}

Status OwnerTables::update(const TaskUpdate& change) {
  const bool revived = is_terminal(change.was_state) && !is_terminal(change.next.state);
  const bool writes_result = change.result || revived;
  sqlite::Cursor cursor = sql_.use(writes_result ? Sql::update_task_and_result : Sql::update_task);
  bind_task(cursor, change.seq, change.next, change.keep_until);
  cursor.bind(22, static_cast<std::int64_t>(change.was_state))
      .bind(23, static_cast<std::int64_t>(change.was_epoch.value));
  if (writes_result) {
    sqlite::bind_bytes(cursor, 24, change.result);
    sqlite::bind_bytes(cursor, 29, change.spec);
  }
  if (Status status = cursor.run(); !status) return status;
  if (file_.database().changes() == 0) return does_not_match(change);
  --count(change.was_state);
  ++count(change.next.state);
  if (Status status = count_end(change); !status) return status;
  if (!writes_result) return {};
  if (Status status = abridge(change); !status) return status;
  if (sqlite::is_bulk(change.result)) return put_bulk(result_id(change.seq), change.result);
  return drop_bulk(result_id(change.seq), result_id(change.seq));
}

Error OwnerTables::does_not_match(const TaskUpdate& change) {
  sqlite::Cursor cursor = sql_.use(Sql::find_task);
  Result<bool> there = cursor.bind(1, static_cast<std::int64_t>(change.seq)).step();
  if (!there) return std::move(there).error();
  if (!*there) {
    return fail(Code::not_found,
                name_of(change.seq) + " is gone; finished tasks are kept for their retention only");
  }
  return fail(Code::conflict, name_of(change.seq) + ": is not (or no longer) " +
                                  std::string(to_string(change.was_state)) + " in epoch " +
                                  std::to_string(change.was_epoch.value));
}

Status OwnerTables::abridge(const TaskUpdate& change) {
  const std::int64_t id = spec_id(change.seq);
  if (!change.spec) return {};
  const Result<bool> shared = stop_sharing(change.seq);
  if (!shared) return shared.error();
  if (sqlite::is_bulk(change.spec)) return put_bulk(id, change.spec);
  if (*shared) return {};
  // A result that lies apart takes the place of the spec in its page.
  if (sqlite::is_bulk(change.result)) return drop_bulk(id, id);
  spare_specs_.push_back(change.seq);
  return {};
}

// Whether it did.
Result<bool> OwnerTables::stop_sharing(std::uint64_t seq) {
  {
    sqlite::Cursor shared = sql_.use(Sql::shared_by);
    Result<bool> does = shared.bind(1, static_cast<std::int64_t>(seq)).step();
    if (!does || !*does) return does;
    specs_.left(shared.integer(0));
  }
  if (Status status = run(Sql::stop_sharing, seq); !status) return std::move(status).error();
  return true;
}

// A task that is asked for again gives its result up. Each of its ends produced one: however often
// it is retried, what was produced is what was given up and what is there. Somebody who knew it
// asked for another, so it counts like one whose time is over: nobody misses it.
Status OwnerTables::count_end(const TaskUpdate& change) {
  const NodeTime at = change.next.since;
  if (is_terminal(change.was_state) == is_terminal(change.next.state)) return {};
  if (is_terminal(change.was_state))
    return lose(file_, sql_, DataClass::results, LossCause::retention, at, 1);
  ++produced(DataClass::results);
  if (change.next.state != TaskState::expired) return {};
  return lose(file_, sql_, DataClass::tasks, LossCause::deadline, at, 1);
}

Status OwnerTables::append(const EventRow& event) {
  ++produced(DataClass::events);
  if (auto cause = refuses_events())
    return lose(file_, sql_, DataClass::events, *cause, event.at, 1);
  const std::int64_t first = first_event_id(event.seq);
  sqlite::Cursor cursor = sql_.use(Sql::insert_event);
  cursor.bind(1, first)
      .bind(2, first + kEventsPerSeq - 1)
      .bind(3, event.at.time_since_epoch().count())
      .bind(4, static_cast<std::int64_t>(event.kind))
      .bind(5, static_cast<std::int64_t>(event.epoch.value))
      .bind(6, static_cast<std::int64_t>(event.place.value))
      .bind(7, static_cast<std::int64_t>(event.failure))
      .bind_copy(8, sqlite::pack(event.detail));
  if (Status status = cursor.run(); !status) return status;
  ++file_.node().events;
  const std::int64_t oldest_kept = file_.database().last_rowid() - options_.events_per_task + 1;
  if (oldest_kept <= first) return {};
  return drop_events(first, oldest_kept - 1, LossCause::items, event.at);
}

Status OwnerTables::put_bulk(std::int64_t id, const sqlite::EncodedBytes& bytes) {
  if (!sqlite::is_bulk(bytes)) return {};
  sqlite::Cursor cursor = sql_.use(Sql::put_bulk);
  return cursor.bind(1, id).bind(2, ByteView(*bytes)).bind(3, sqlite::sum_of(*bytes)).run();
}

Status OwnerTables::drop_bulk(std::int64_t first, std::int64_t last) {
  sqlite::Cursor cursor = sql_.use(Sql::drop_bulk);
  return cursor.bind(1, first).bind(2, last).run();
}

Status OwnerTables::run(Sql sql, std::uint64_t seq) {
  sqlite::Cursor cursor = sql_.use(sql);
  return cursor.bind(1, static_cast<std::int64_t>(seq)).run();
}

Status OwnerTables::run(Sql sql, const OutboxRow& row) {
  sqlite::Cursor cursor = sql_.use(sql);
  return cursor.bind(1, static_cast<std::int64_t>(row.seq))
      .bind(2, static_cast<std::int64_t>(row.epoch.value))
      .run();
}

Result<Purged> OwnerTables::purge(NodeTime now, std::size_t limit) {
  Purged purged;
  specs_.begin();
  Result<std::vector<Ended>> ended = finished(now, limit);
  if (!ended) return std::move(ended).error();
  for (const Ended& task : *ended) {
    const bool by_age = task.kept >= options_.budget.of(DataClass::results).age;
    const LossCause cause = by_age ? LossCause::age : LossCause::retention;
    if (Status status = forget(task, cause, now); !status) return std::move(status).error();
  }
  purged.removed = ended->size();
  if (Status status = specs_.settle(file_.database(), sql_); !status) {
    return std::move(status).error();
  }
  sqlite::Cursor keys = sql_.use(Sql::purge_idempotency);
  keys.bind(1, now.time_since_epoch().count()).bind(2, static_cast<std::int64_t>(limit));
  if (Status status = keys.run(); !status) return std::move(status).error();
  file_.node().keys -= changed();
  Result<bool> old_events = sweep_events(now, limit);
  if (!old_events) return std::move(old_events).error();
  Result<bool> surplus = file_.shrink();
  if (!surplus) return std::move(surplus).error();
  file_.seen(now, Duration{}, 0);
  purged.more = purged.removed == limit || *old_events || *surplus;

  sqlite::Cursor next = sql_.use(Sql::next_purge);
  Result<bool> row = next.step();
  if (!row) return std::move(row).error();
  if (*row) purged.next = sqlite::read_time(next, 0);
  return purged;
}

Status OwnerTables::forget(const Ended& task, LossCause cause, NodeTime now) {
  const std::uint64_t seq = task.seq;
  if (Status status = run(Sql::drop_task, seq); !status) return status;
  if (Status status = run(Sql::drop_waits_of, seq); !status) return status;
  if (Status status = drop_bulk(spec_id(seq), result_id(seq)); !status) return status;
  specs_.left(task.shared);
  --count(task.state);
  if (Status status = lose(file_, sql_, DataClass::results, cause, now, 1); !status) return status;
  return drop_events(first_event_id(seq), first_event_id(seq + 1) - 1, cause, now);
}

}  // namespace spillway::store
