#include "cloud/fleet/fleet_tables.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace spillway::cloud {
namespace {

using sqlite::Cursor;

void bind_wall(Cursor& cursor, int at, const std::optional<Wall>& wall) {
  if (wall) {
    cursor.bind(at, wall->count());
  } else {
    cursor.bind_null(at);
  }
}

// The numbers that the first release reads.
void bind_end(Cursor& cursor, int at, const std::optional<SessionEnd>& end) {
  if (!end) {
    cursor.bind_null(at);
    return;
  }
  const bool known = *end == SessionEnd::will || *end == SessionEnd::goodbye;
  const Reason left = *end == SessionEnd::will ? Reason::will : Reason::goodbye;
  cursor.bind(at, std::int64_t(known ? left : Reason::heartbeats_missed));
}

void bind_bar(Cursor& cursor, int at, const std::optional<SessionEnd>& end) {
  if (end && is_bar(*end)) {
    cursor.bind(at, std::int64_t(*end));
  } else {
    cursor.bind_null(at);
  }
}

std::string lines_of(const std::vector<std::string>& labels) {
  std::string lines;
  for (const std::string& label : labels) lines += label + "\n";
  return lines;
}

// Rows of one device after which it is looked at whether it has more than its share.
constexpr std::uint32_t kMuch = 16;

std::int64_t bits_of(double value) { return std::bit_cast<std::int64_t>(value); }

}  // namespace

const char* FleetTables::text_of(Sql sql) {
  switch (sql) {
    case Sql::put_device:
      return "INSERT OR REPLACE INTO device (id, name, session, boot, boot_before, online, closed, "
             "health, reasons, ended, first_seen, last_seen, since, lost_at, revision, lost, grp, "
             "labels, quarantined, revoked, note, birth, store, life_number, life, restored_at, "
             "bar) "
             "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, "
             "?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27)";
    case Sql::drop_device: return "DELETE FROM device WHERE id = ?1";
    case Sql::drop_device_sessions: return "DELETE FROM session WHERE device = ?1";
    case Sql::drop_device_losses: return "DELETE FROM loss WHERE device = ?1";
    case Sql::move_session:
      return "UPDATE OR REPLACE session SET number = session, session = -1 - abs(random() / 2) "
             "WHERE device = ?1 AND session = ?2";
    case Sql::put_session:
      return "INSERT INTO session (device, session, started, ended, how, bar) VALUES (?1, ?2, ?3, "
             "?4, ?5, ?6) ON CONFLICT DO UPDATE SET ended = excluded.ended, how = excluded.how, "
             "bar = excluded.bar";
    case Sql::put_event:
      return "INSERT OR REPLACE INTO event (id, device, name, at, kind, detail) VALUES (?1, ?2, "
             "?3, ?4, ?5, ?6)";
    case Sql::put_action:
      return "INSERT OR REPLACE INTO action (id, device, name, at, kind, detail) VALUES (?1, ?2, "
             "?3, ?4, ?5, ?6)";
    case Sql::put_minutes: return "INSERT INTO minutes (device, start, points) VALUES (?1, ?2, ?3)";
    case Sql::put_quarter: return "INSERT INTO quarter (device, start, point) VALUES (?1, ?2, ?3)";
    case Sql::put_fleet_point:
      return "INSERT OR REPLACE INTO fleet_point (resolution, at, point) VALUES (?1, ?2, ?3)";
    case Sql::put_loss:
      return "INSERT OR REPLACE INTO loss (device, what, cause, count, first, last, least) VALUES "
             "(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    case Sql::put_alert:
      return "INSERT OR REPLACE INTO alert (id, device, crowd, rule, title, severity, name, "
             "firing, fired, resolved, value, acknowledged_by, note) VALUES (?1, ?2, ?3, ?4, ?5, "
             "?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    case Sql::put_rule:
      return "INSERT OR REPLACE INTO rule (id, title, severity, scope, subject, compare, value, "
             "lasting, grp, enabled) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    case Sql::drop_rule: return "DELETE FROM rule WHERE id = ?1";
    case Sql::put_silence:
      return "INSERT OR REPLACE INTO silence (id, rule, device, grp, until, by, note) VALUES (?1, "
             "?2, ?3, ?4, ?5, ?6, ?7)";
    case Sql::drop_silence: return "DELETE FROM silence WHERE id = ?1";
    case Sql::put_totals:
      return "UPDATE totals SET duplicates = ?1, failed = ?2, next_event = ?3, next_alert = ?4, "
             "next_silence = ?5, next_device = ?6, rules_set = max(rules_set, ?7) WHERE id = 1";
    case Sql::devices: return "SELECT * FROM device";
    case Sql::device_losses: return "SELECT * FROM loss";
    case Sql::all_events:
      return "SELECT * FROM (SELECT id, device, name, at, kind, detail FROM event WHERE id < ?1 "
             "ORDER BY id DESC LIMIT ?2) UNION ALL SELECT * FROM (SELECT id, device, name, at, "
             "kind, detail FROM action WHERE id < ?1 ORDER BY id DESC LIMIT ?2) ORDER BY 1 DESC "
             "LIMIT ?2";
    case Sql::device_events:
      return "SELECT * FROM (SELECT id, device, name, at, kind, detail FROM event WHERE id < ?1 "
             "AND device = ?3 ORDER BY id DESC LIMIT ?2) UNION ALL SELECT * FROM (SELECT id, "
             "device, name, at, kind, detail FROM action WHERE id < ?1 AND device = ?3 ORDER BY id "
             "DESC LIMIT ?2) ORDER BY 1 DESC LIMIT ?2";
    case Sql::sessions:
      return "SELECT coalesce(number, session), started, ended, how, bar FROM session WHERE device "
             "= ?1 ORDER BY started DESC, session DESC LIMIT ?2";
    case Sql::minutes:
      return "SELECT start, points FROM minutes WHERE device = ?1 AND start >= ?2 AND start < ?3 "
             "ORDER BY start";
    case Sql::quarters:
      return "SELECT start, point FROM quarter WHERE device = ?1 AND start >= ?2 AND start < ?3 "
             "ORDER BY start";
    case Sql::fleet_points:
      return "SELECT at, point FROM (SELECT at, point FROM fleet_point WHERE resolution = ?1 ORDER "
             "BY at DESC LIMIT 2880) ORDER BY at";
    case Sql::alerts: return "SELECT * FROM alert ORDER BY id DESC LIMIT ?1";
    case Sql::rules: return "SELECT * FROM rule";
    case Sql::silences: return "SELECT * FROM silence";
    case Sql::totals: return "SELECT * FROM totals";
    default: return prune_text_of(sql);
  }
}

const char* FleetTables::prune_text_of(Sql sql) {
  switch (sql) {
    case Sql::old_minutes:
      return "DELETE FROM minutes WHERE id IN (SELECT id FROM minutes ORDER BY id LIMIT ?2) AND "
             "(start < ?1 OR ?3)";
    case Sql::old_quarters:
      return "DELETE FROM quarter WHERE id IN (SELECT id FROM quarter ORDER BY id LIMIT ?2) AND "
             "(start < ?1 OR ?3)";
    case Sql::old_events:
      return "DELETE FROM event WHERE id IN (SELECT id FROM event ORDER BY id LIMIT ?2) AND "
             "(at < ?1 OR ?3)";
    case Sql::old_sessions:
      return "DELETE FROM session WHERE (device, session) IN (SELECT device, session FROM session "
             "ORDER BY started LIMIT ?2) AND (started < ?1 OR ?3) AND ended IS NOT NULL";
    case Sql::old_fleet_points: return "DELETE FROM fleet_point WHERE resolution = ?1 AND at < ?2";
    case Sql::old_alerts:
      return "DELETE FROM alert WHERE firing = 0 AND id <= (SELECT max(id) FROM alert) - 10000";
    case Sql::old_actions:
      return "DELETE FROM action WHERE at < ?1 OR id <= (SELECT id FROM action ORDER BY id DESC "
             "LIMIT 1 OFFSET ?2)";
    case Sql::over_events:
      return "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE device = ?1 ORDER BY id "
             "DESC LIMIT ?3 OFFSET ?2)";
    case Sql::over_sessions:
      return "DELETE FROM session WHERE device = ?1 AND ended IS NOT NULL AND session IN (SELECT "
             "session FROM session WHERE device = ?1 ORDER BY ended IS NULL DESC, started DESC "
             "LIMIT ?3 OFFSET ?2)";
    case Sql::over_alerts:
      return "DELETE FROM alert WHERE firing = 0 AND id IN (SELECT id FROM alert WHERE device = ?1 "
             "ORDER BY id DESC LIMIT ?3 OFFSET ?2)";
    default: break;
  }
  return "";
}

Result<FleetTables> FleetTables::open(sqlite::Database database, const std::string& path) {
  Statements all;
  for (std::size_t i = 0; i < all.size(); ++i) {
    Result<sqlite::Statement> statement = database.prepare(text_of(Sql(i)));
    if (!statement) return std::move(statement).error();
    all[i] = *std::move(statement);
  }
  Result<sqlite::NodeFile> file = sqlite::NodeFile::open(std::move(database), path);
  if (!file) return std::move(file).error();
  return FleetTables(*std::move(file), std::move(all));
}

void FleetTables::counted(Counted what, std::int64_t more) {
  std::uint64_t& count = file_.node().counts[what];
  count = std::uint64_t(std::max<std::int64_t>(std::int64_t(count) + more, 0));
}

template <class Rows>
Status FleetTables::put_all(const Rows& rows) {
  for (const auto& row : rows) {
    if (Status status = put(row); !status) return status;
  }
  return {};
}

Status FleetTables::apply(const FleetBatch& batch) {
  Status status = put_all(batch.devices);
  if (status) status = put_all(batch.sessions);
  if (status) status = put_all(batch.events);
  if (status) status = put_all(batch.minutes);
  if (status) status = put_all(batch.losses);
  if (status) status = put_all(batch.alerts);
  if (status) status = put_all(batch.rules);
  if (status) status = put_all(batch.silences);
  for (const FleetPoint& point : batch.fleet_minutes) {
    if (status) status = put(Resolution::minute, point);
  }
  for (const FleetPoint& point : batch.fleet_quarters) {
    if (status) status = put(Resolution::quarter, point);
  }
  if (status) status = drop(batch);
  bool rules_set = !batch.rules.empty() || !batch.dropped_rules.empty();
  if (status) status = put(batch.totals, rules_set);
  file_.seen(batch.now, batch.wall, start_);
  return status;
}

Status FleetTables::note_start(std::uint64_t number, bool later) {
  start_ = number;
  if (later) return {};
  if (Status begun = file_.begin(); !begun) return begun;
  file_.node().session = number;
  Status committed = file_.commit();
  if (!committed) file_.rollback();
  return committed;
}

Status FleetTables::drop(const FleetBatch& batch) {
  Status status;
  for (const std::string& rule : batch.dropped_rules) {
    if (status) status = use(Sql::drop_rule).bind(1, std::string_view(rule)).run();
  }
  for (std::uint64_t silence : batch.dropped_silences) {
    if (status) status = use(Sql::drop_silence).bind(1, std::int64_t(silence)).run();
  }
  for (std::uint32_t device : batch.dropped_devices) {
    if (status) status = drop_device(device);
  }
  return status;
}

// The device's events and history go with their retention.
Status FleetTables::drop_device(std::uint32_t id) {
  Status status = use(Sql::drop_device).bind(1, id).run();
  if (status) status = use(Sql::drop_device_losses).bind(1, id).run();
  if (status) status = use(Sql::drop_device_sessions).bind(1, id).run();
  if (status) counted(kSessions, -file_.database().changes());
  return status;
}

Status FleetTables::put(const DeviceRecord& record) {
  const std::string labels = lines_of(record.marks.labels);
  Cursor cursor = use(Sql::put_device);
  cursor.bind(1, record.id)
      .bind(2, std::string_view(record.name))
      .bind(3, std::int64_t(record.presence.session))
      .bind(4, std::int64_t(record.presence.boot.value))
      .bind(5, std::int64_t(record.presence.boot_before.value))
      .bind(6, std::int64_t(record.presence.online))
      .bind(7, std::int64_t(record.presence.closed))
      .bind(8, std::int64_t(record.health))
      .bind(9, std::int64_t(record.reasons.bits()));
  bind_end(cursor, 10, record.ended);
  cursor.bind(11, record.first_seen.count())
      .bind(12, record.last_seen.count())
      .bind(13, record.since.count())
      .bind(14, record.lost_at.count())
      .bind(15, std::int64_t(record.revision))
      .bind(16, record.lost)
      .bind(17, std::string_view(record.marks.group))
      .bind(18, std::string_view(labels))
      .bind(19, std::int64_t(record.marks.quarantined))
      .bind(20, std::int64_t(record.marks.revoked))
      .bind(21, std::string_view(record.marks.note))
      .bind(22, ByteView(record.birth))
      .bind(23, std::int64_t(record.presence.life.store.value))
      .bind(24, std::int64_t(record.presence.life.number))
      .bind(25, std::int64_t(record.presence.life.life.value))
      .bind(26, record.restored_at.count());
  bind_bar(cursor, 27, record.ended);
  return cursor.run();
}

Status FleetTables::put(const SessionRecord& record) {
  const SessionView& view = record.view;
  if (record.begins) {
    // A session that had the number is of another life of the device.
    Status moved =
        use(Sql::move_session).bind(1, record.device).bind(2, std::int64_t(view.session)).run();
    if (!moved) return moved;
  }
  Cursor cursor = use(Sql::put_session);
  cursor.bind(1, record.device)
      .bind(2, std::int64_t(view.session))
      .bind(3, (view.from == Wall{} ? view.until.value_or(Wall{}) : view.from).count());
  bind_wall(cursor, 4, view.until);
  bind_end(cursor, 5, view.ended);
  bind_bar(cursor, 6, view.ended);
  if (Status status = cursor.run(); !status) return status;
  if (!record.begins) return {};
  counted(kSessions, 1);
  fresh_[record.device] += 1;
  return {};
}

Status FleetTables::put(const EventRecord& record) {
  const FleetEvent& event = record.event;
  const bool action = event.kind == FleetEventKind::operator_action;
  if (Status status = use(action ? Sql::put_action : Sql::put_event)
                          .bind(1, std::int64_t(event.id))
                          .bind(2, record.device)
                          .bind(3, std::string_view(event.device))
                          .bind(4, event.at.count())
                          .bind(5, std::int64_t(event.kind))
                          .bind(6, std::string_view(event.detail))
                          .run();
      !status) {
    return status;
  }
  if (action) return {};
  counted(kEvents, 1);
  if (record.device != 0) fresh_[record.device] += 1;
  return {};
}

Status FleetTables::put(const MinutesRecord& record) {
  const Bytes points = encode(record.block);
  const Bytes quarter = encode(quarter_of(record.block));
  Cursor minutes = use(Sql::put_minutes);
  minutes.bind(1, record.device).bind(2, record.block.start).bind(3, ByteView(points));
  if (Status status = minutes.run(); !status) return status;
  counted(kMinutes, 1);
  Cursor whole = use(Sql::put_quarter);
  whole.bind(1, record.device).bind(2, record.block.start).bind(3, ByteView(quarter));
  if (Status status = whole.run(); !status) return status;
  counted(kQuarters, 1);
  return {};
}

Status FleetTables::put(Resolution resolution, const FleetPoint& point) {
  const Bytes bytes = encode(point);
  return use(Sql::put_fleet_point)
      .bind(1, std::int64_t(resolution))
      .bind(2, point.at.count())
      .bind(3, ByteView(bytes))
      .run();
}

Status FleetTables::put(const LossRecord& record) {
  return use(Sql::put_loss)
      .bind(1, record.device)
      .bind(2, std::string_view(record.total.what))
      .bind(3, std::string_view(record.total.cause))
      .bind(4, std::int64_t(record.total.count))
      .bind(5, record.total.from.count())
      .bind(6, record.total.until.count())
      .bind(7, std::int64_t(record.total.at_least))
      .run();
}

Status FleetTables::put(const AlertRecord& record) {
  const Alert& alert = record.alert;
  if (record.device != 0) fresh_[record.device] += 1;
  Cursor cursor = use(Sql::put_alert);
  cursor.bind(1, std::int64_t(alert.id))
      .bind(2, record.device)
      .bind(3, std::int64_t(record.crowd))
      .bind(4, std::string_view(alert.rule))
      .bind(5, std::string_view(alert.title))
      .bind(6, std::int64_t(alert.severity))
      .bind(7, std::string_view(alert.device))
      .bind(8, std::int64_t(alert.firing))
      .bind(9, alert.fired.count());
  bind_wall(cursor, 10, alert.resolved);
  return cursor.bind(11, bits_of(alert.value))
      .bind(12, std::string_view(alert.acknowledged_by))
      .bind(13, std::string_view(alert.note))
      .run();
}

Status FleetTables::put(const AlertRule& rule) {
  return use(Sql::put_rule)
      .bind(1, std::string_view(rule.id))
      .bind(2, std::string_view(rule.title))
      .bind(3, std::int64_t(rule.severity))
      .bind(4, std::int64_t(rule.scope))
      .bind(5, std::string_view(rule.subject))
      .bind(6, std::int64_t(rule.compare))
      .bind(7, bits_of(rule.value))
      .bind(8, rule.lasting.count())
      .bind(9, std::string_view(rule.group))
      .bind(10, std::int64_t(rule.enabled))
      .run();
}

Status FleetTables::put(const Silence& silence) {
  return use(Sql::put_silence)
      .bind(1, std::int64_t(silence.id))
      .bind(2, std::string_view(silence.rule))
      .bind(3, std::string_view(silence.device))
      .bind(4, std::string_view(silence.group))
      .bind(5, silence.until.count())
      .bind(6, std::string_view(silence.by))
      .bind(7, std::string_view(silence.note))
      .run();
}

Status FleetTables::put(const FleetTotals& totals, bool rules_set) {
  return use(Sql::put_totals)
      .bind(1, std::int64_t(totals.duplicates))
      .bind(2, std::int64_t(totals.failed))
      .bind(3, std::int64_t(totals.next_event))
      .bind(4, std::int64_t(totals.next_alert))
      .bind(5, std::int64_t(totals.next_silence))
      .bind(6, totals.next_device)
      .bind(7, std::int64_t(rules_set))
      .run();
}

Status FleetTables::prune_table(Sql sql, Counted what, Wall before, std::uint64_t keep,
                                std::size_t limit, std::uint64_t& removed) {
  std::uint64_t have = file_.node().counts[what];
  bool history = what == kMinutes || what == kQuarters;
  std::int64_t oldest = history ? before / std::chrono::minutes(1) : before.count();
  std::uint64_t over = have - std::min(have, keep);
  Cursor cursor = use(sql);
  cursor.bind(1, oldest)
      .bind(2, std::int64_t(over > 0 ? std::min<std::uint64_t>(over, limit) : limit))
      .bind(3, std::int64_t(over > 0));
  if (Status status = cursor.run(); !status) return status;
  std::int64_t gone = file_.database().changes();
  counted(what, -gone);
  removed += std::uint64_t(gone);
  return {};
}

Result<std::uint64_t> FleetTables::trim(Sql sql, std::uint32_t device, std::uint64_t keep,
                                        std::size_t limit) {
  Cursor cursor = use(sql);
  cursor.bind(1, device).bind(2, std::int64_t(keep)).bind(3, std::int64_t(limit));
  if (Status status = cursor.run(); !status) return status.error();
  return std::uint64_t(file_.database().changes());
}

// Holds those to their shares that wrote much since the last time.
Status FleetTables::trim_loud(const FleetRetention& keep, std::size_t limit,
                              std::uint64_t& removed) {
  for (auto& [device, rows] : fresh_) {
    if (rows < kMuch) continue;
    auto events = trim(Sql::over_events, device, keep.events_each, limit);
    if (!events) return events.error();
    counted(kEvents, -std::int64_t(*events));
    auto sessions = trim(Sql::over_sessions, device, keep.sessions_each, limit);
    if (!sessions) return sessions.error();
    counted(kSessions, -std::int64_t(*sessions));
    auto alerts = trim(Sql::over_alerts, device, keep.alerts_each, limit);
    if (!alerts) return alerts.error();
    removed += *events + *sessions + *alerts;
    if (*events < limit && *sessions < limit && *alerts < limit) rows = 0;
  }
  std::erase_if(fresh_, [](const auto& one) { return one.second == 0; });
  return {};
}

Status FleetTables::prune_rest(const FleetRetention& keep, Wall wall) {
  Status status = use(Sql::old_actions)
                      .bind(1, (wall - keep.actions).count())
                      .bind(2, std::int64_t(keep.actions_rows))
                      .run();
  for (Resolution resolution : {Resolution::minute, Resolution::quarter}) {
    Duration kept =
        resolution == Resolution::minute ? Duration(std::chrono::hours(48)) : keep.quarters;
    if (!status) break;
    status = use(Sql::old_fleet_points)
                 .bind(1, std::int64_t(resolution))
                 .bind(2, (wall - kept).count())
                 .run();
  }
  return status ? use(Sql::old_alerts).run() : status;
}

// Over the budget the oldest of everything go, a slice at a time; but first what is over of one
// device's share.
Result<FleetRetention> FleetTables::tightened(FleetRetention keep, std::size_t limit) const {
  const auto much = [](const auto& one) { return one.second >= kMuch; };
  if (std::any_of(fresh_.begin(), fresh_.end(), much)) {
    keep.events_rows = keep.sessions_rows = std::numeric_limits<std::int64_t>::max();
    return keep;
  }
  Result<std::uint64_t> used = file_.in_use();
  if (!used) return used.error();
  if (keep.bytes == 0 || *used <= keep.bytes) return keep;
  const auto less = [&](Counted what, std::uint64_t& rows) {
    const std::uint64_t have = file_.node().counts[what];
    rows = std::min(rows, have - std::min<std::uint64_t>(have, limit));
  };
  less(kMinutes, keep.minutes_rows);
  less(kQuarters, keep.quarters_rows);
  less(kEvents, keep.events_rows);
  less(kSessions, keep.sessions_rows);
  return keep;
}

Result<std::uint64_t> FleetTables::prune(const FleetRetention& given, Wall wall,
                                         std::size_t limit) {
  std::uint64_t removed = 0;
  Status status = trim_loud(given, limit, removed);
  if (!status) return status.error();
  Result<FleetRetention> kept = tightened(given, limit);
  if (!kept) return kept.error();
  const FleetRetention& keep = *kept;
  status = prune_table(Sql::old_minutes, kMinutes, wall - keep.minutes, keep.minutes_rows, limit,
                       removed);
  if (status) {
    status = prune_table(Sql::old_quarters, kQuarters, wall - keep.quarters, keep.quarters_rows,
                         limit, removed);
  }
  if (status) {
    status =
        prune_table(Sql::old_events, kEvents, wall - keep.events, keep.events_rows, limit, removed);
  }
  if (status) {
    status = prune_table(Sql::old_sessions, kSessions, wall - keep.sessions, keep.sessions_rows,
                         limit, removed);
  }
  if (status) status = prune_rest(keep, wall);
  if (!status) return status.error();
  if (auto shrunk = file_.shrink(); !shrunk) return shrunk.error();
  return removed;
}

}  // namespace spillway::cloud
