#include <algorithm>
#include <bit>

#include "cloud/fleet/fleet_tables.h"
#include "common/sqlite/node_row.h"
#include "common/sqlite/row_values.h"
#include "common/sqlite/table_salvage.h"

namespace spillway::cloud {
namespace {

using sqlite::Cursor;

Wall wall_at(const Cursor& cursor, int column) { return Wall(cursor.integer(column)); }

std::optional<Wall> maybe_wall(const Cursor& cursor, int column) {
  return cursor.is_null(column) ? std::nullopt : std::optional(wall_at(cursor, column));
}

// What the first release wrote: the numbers of reasons.
std::optional<SessionEnd> maybe_end(const Cursor& cursor, int column, bool& good) {
  if (cursor.is_null(column)) return std::nullopt;
  switch (sqlite::read_enum(cursor, column, Reason::goodbye, good)) {
    case Reason::goodbye: return SessionEnd::goodbye;
    case Reason::will: return SessionEnd::will;
    default: return SessionEnd::heartbeats_missed;
  }
}

// A bar stands beside what the first release makes of it.
std::optional<SessionEnd> maybe_end(const Cursor& cursor, int column, int bar, bool& good) {
  const auto end = maybe_end(cursor, column, good);
  if (end != SessionEnd::heartbeats_missed || cursor.is_null(bar)) return end;
  const auto barred = sqlite::read_enum(cursor, bar, SessionEnd::revoked, good);
  good = good && is_bar(barred);
  return barred;
}

double double_at(const Cursor& cursor, int column) {
  return std::bit_cast<double>(cursor.integer(column));
}

std::vector<std::string> lines_in(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

Error makes_no_sense(const char* what) {
  return fail(Code::corrupt, std::string("a row of the fleet's store makes no sense: ") + what);
}

// Runs a query and gives each row to `read`, which answers a Result<T> or a T.
template <class T, class Read>
Result<std::vector<T>> read_all(Cursor cursor, Read read) {
  std::vector<T> rows;
  for (;;) {
    Result<bool> more = cursor.step();
    if (!more) return std::move(more).error();
    if (!*more) return rows;
    Result<T> row = read(cursor);
    if (!row) return std::move(row).error();
    rows.push_back(*std::move(row));
  }
}

Result<DeviceRecord> read_device(const Cursor& cursor) {
  bool good = true;
  DeviceRecord record;
  record.id = sqlite::read_count(cursor, 0);
  record.name = cursor.text(1);
  record.presence.session = cursor.unsigned_integer(2);
  record.presence.boot.value = cursor.unsigned_integer(3);
  record.presence.boot_before.value = cursor.unsigned_integer(4);
  record.presence.online = cursor.integer(5) != 0;
  record.presence.closed = cursor.integer(6) != 0;
  record.health = sqlite::read_enum(cursor, 7, Health::revoked, good);
  record.reasons = Reasons(std::uint16_t(cursor.integer(8) & ((1 << kReasons) - 1)));
  record.ended = maybe_end(cursor, 9, 26, good);
  record.first_seen = wall_at(cursor, 10);
  record.last_seen = wall_at(cursor, 11);
  record.since = wall_at(cursor, 12);
  record.lost_at = wall_at(cursor, 13);
  record.revision = cursor.unsigned_integer(14);
  record.lost = cursor.integer(15);
  record.marks.group = cursor.text(16);
  record.marks.labels = lines_in(cursor.text(17));
  record.marks.quarantined = cursor.integer(18) != 0;
  record.marks.revoked = cursor.integer(19) != 0;
  record.marks.note = cursor.text(20);
  const ByteView birth = cursor.bytes(21);
  record.birth.assign(birth.begin(), birth.end());
  record.presence.life = {Origin{cursor.unsigned_integer(22)}, cursor.unsigned_integer(23),
                          Origin{cursor.unsigned_integer(24)}};
  record.restored_at = wall_at(cursor, 25);
  if (!good || record.id == 0 || !check_device_id(record.name)) return makes_no_sense("a device");
  return record;
}

Result<EventRecord> read_event(const Cursor& cursor) {
  bool good = true;
  EventRecord record;
  record.event.id = cursor.unsigned_integer(0);
  record.device = sqlite::read_count(cursor, 1);
  record.event.device = cursor.text(2);
  record.event.at = wall_at(cursor, 3);
  record.event.kind = sqlite::read_enum(cursor, 4, FleetEventKind::update, good);
  record.event.detail = cursor.text(5);
  return good ? Result<EventRecord>(std::move(record)) : makes_no_sense("an event");
}

Result<AlertRecord> read_alert(const Cursor& cursor) {
  bool good = true;
  AlertRecord record;
  Alert& alert = record.alert;
  alert.id = cursor.unsigned_integer(0);
  record.device = sqlite::read_count(cursor, 1);
  record.crowd = cursor.integer(2) != 0;
  alert.rule = cursor.text(3);
  alert.title = cursor.text(4);
  alert.severity = sqlite::read_enum(cursor, 5, Severity::critical, good);
  alert.device = cursor.text(6);
  alert.firing = cursor.integer(7) != 0;
  alert.fired = wall_at(cursor, 8);
  alert.resolved = maybe_wall(cursor, 9);
  alert.value = double_at(cursor, 10);
  alert.acknowledged_by = cursor.text(11);
  alert.note = cursor.text(12);
  return good ? Result<AlertRecord>(std::move(record)) : makes_no_sense("an alert");
}

Result<AlertRule> read_rule(const Cursor& cursor) {
  bool good = true;
  AlertRule rule;
  rule.id = cursor.text(0);
  rule.title = cursor.text(1);
  rule.severity = sqlite::read_enum(cursor, 2, Severity::critical, good);
  rule.scope = sqlite::read_enum(cursor, 3, AlertRule::Scope::fleet, good);
  rule.subject = cursor.text(4);
  rule.compare = sqlite::read_enum(cursor, 5, AlertRule::Compare::is, good);
  rule.value = double_at(cursor, 6);
  rule.lasting = Duration(cursor.integer(7));
  rule.group = cursor.text(8);
  rule.enabled = cursor.integer(9) != 0;
  return good ? Result<AlertRule>(std::move(rule)) : makes_no_sense("a rule");
}

Result<Silence> read_silence(const Cursor& cursor) {
  Silence silence;
  silence.id = cursor.unsigned_integer(0);
  silence.rule = cursor.text(1);
  silence.device = cursor.text(2);
  silence.group = cursor.text(3);
  silence.until = wall_at(cursor, 4);
  silence.by = cursor.text(5);
  silence.note = cursor.text(6);
  return silence;
}

Result<LossRecord> read_loss(const Cursor& cursor) {
  LossRecord record;
  record.device = sqlite::read_count(cursor, 0);
  record.total.what = cursor.text(1);
  record.total.cause = cursor.text(2);
  record.total.count = cursor.unsigned_integer(3);
  record.total.from = wall_at(cursor, 4);
  record.total.until = wall_at(cursor, 5);
  record.total.at_least = cursor.integer(6) != 0;
  return record;
}

}  // namespace

Result<std::vector<FleetPoint>> FleetTables::fleet_points(Resolution resolution) const {
  Cursor cursor = use(Sql::fleet_points);
  cursor.bind(1, std::int64_t(resolution));
  return read_all<FleetPoint>(std::move(cursor), [](const Cursor& row) {
    return decode_fleet_point(wall_at(row, 0), row.bytes(1));
  });
}

Status FleetTables::recover_devices(FleetRecovered& into) const {
  Cursor totals = use(Sql::totals);
  Result<bool> row = totals.step();
  if (!row) return row.error();
  if (!*row) return makes_no_sense("the totals");
  into.totals.duplicates = totals.unsigned_integer(1);
  into.totals.failed = totals.unsigned_integer(2);
  into.totals.next_event = totals.unsigned_integer(3);
  into.totals.next_alert = totals.unsigned_integer(4);
  into.totals.next_silence = totals.unsigned_integer(5);
  into.totals.next_device = sqlite::read_count(totals, 6);
  if (totals.integer(7) != 0) into.rules.emplace();
  auto devices = read_all<DeviceRecord>(use(Sql::devices), read_device);
  if (!devices) return devices.error();
  into.devices = *std::move(devices);
  auto losses = read_all<LossRecord>(use(Sql::device_losses), read_loss);
  if (!losses) return losses.error();
  into.losses = *std::move(losses);
  return {};
}

Status FleetTables::recover_people(FleetRecovered& into, std::size_t alerts) const {
  if (into.rules) {
    auto rules = read_all<AlertRule>(use(Sql::rules), read_rule);
    if (!rules) return rules.error();
    into.rules = *std::move(rules);
  }
  auto silences = read_all<Silence>(use(Sql::silences), read_silence);
  if (!silences) return silences.error();
  into.silences = *std::move(silences);
  Cursor newest = use(Sql::alerts);
  newest.bind(1, std::int64_t(alerts));
  auto fired = read_all<AlertRecord>(std::move(newest), read_alert);
  if (!fired) return fired.error();
  into.alerts = *std::move(fired);
  std::reverse(into.alerts.begin(), into.alerts.end());
  return {};
}

Result<FleetRecovered> FleetTables::recover(std::size_t events_wanted, std::size_t alerts) const {
  FleetRecovered recovered;
  recovered.last_seen = file_.node().last_seen;
  recovered.starts = file_.node().session;
  if (Status status = recover_devices(recovered); !status) return status.error();
  if (Status status = recover_people(recovered, alerts); !status) return status.error();
  auto newest = events(0, std::uint64_t(INT64_MAX), std::uint32_t(events_wanted));
  if (!newest) return newest.error();
  recovered.events = *std::move(newest);
  std::reverse(recovered.events.begin(), recovered.events.end());
  auto minutes = fleet_points(Resolution::minute);
  if (!minutes) return minutes.error();
  recovered.fleet_minutes = *std::move(minutes);
  auto quarters = fleet_points(Resolution::quarter);
  if (!quarters) return quarters.error();
  recovered.fleet_quarters = *std::move(quarters);
  return recovered;
}

Result<std::vector<DevicePoint>> FleetTables::history(std::uint32_t device,
                                                      const SeriesQuery& query) const {
  using std::chrono::minutes;
  bool fine = query.resolution == Resolution::minute;
  Cursor cursor = use(fine ? Sql::minutes : Sql::quarters);
  // A row holds fifteen minutes: one that begins earlier may reach into what is asked for.
  std::int64_t from = query.from / minutes(1) - (fine ? HistoryBlock::kMinutes : 0);
  cursor.bind(1, device).bind(2, from).bind(3, query.until / minutes(1));
  std::vector<DevicePoint> points;
  for (;;) {
    Result<bool> more = cursor.step();
    if (!more) return more.error();
    if (!*more) break;
    std::uint32_t start = sqlite::read_count(cursor, 0);
    if (fine) {
      Result<HistoryBlock> block = decode_block(start, cursor.bytes(1));
      if (!block) return block.error();
      append_minutes(*block, points);
    } else {
      Result<DevicePoint> point = decode_point(minutes(start), cursor.bytes(1));
      if (!point) return point.error();
      points.push_back(*point);
    }
  }
  std::erase_if(points, [&](const DevicePoint& point) {
    return point.at < query.from || point.at >= query.until;
  });
  return points;
}

Result<std::vector<SessionView>> FleetTables::sessions(std::uint32_t device,
                                                       std::uint32_t limit) const {
  Cursor cursor = use(Sql::sessions);
  cursor.bind(1, device).bind(2, limit);
  return read_all<SessionView>(std::move(cursor), [](const Cursor& row) -> Result<SessionView> {
    bool good = true;
    SessionView view{row.unsigned_integer(0), wall_at(row, 1), maybe_wall(row, 2),
                     maybe_end(row, 3, 4, good)};
    if (!good) return makes_no_sense("a session");
    return view;
  });
}

Result<std::vector<EventRecord>> FleetTables::events(std::uint32_t device, std::uint64_t before,
                                                     std::uint32_t limit) const {
  Cursor cursor = use(device == 0 ? Sql::all_events : Sql::device_events);
  cursor.bind(1, std::int64_t(std::min<std::uint64_t>(before, INT64_MAX))).bind(2, limit);
  if (device != 0) cursor.bind(3, device);
  return read_all<EventRecord>(std::move(cursor), read_event);
}

namespace {

// Events have their numbers in common with actions, and are not carried over.
constexpr std::int64_t kGap = 1'000'000;

bool has_own_id(const Cursor& row) { return row.integer(0) > 0 && row.integer(0) < INT32_MAX; }

constexpr sqlite::SalvagedTable kSalvaged[] = {{"device", "id", has_own_id},
                                               {"silence", "id", has_own_id},
                                               {"action", "id"},
                                               {"rule", nullptr}};

// Rows that can be read and make no sense would be taken for damage of the new file.
template <class Read>
Status drop_nonsense(const sqlite::Database& fresh, const std::string& table, Read read) {
  Result<sqlite::Statement> all = fresh.prepare("SELECT * FROM " + table);
  if (!all) return std::move(all).error();
  std::vector<std::string> dropped;
  {
    Cursor rows = all->use();
    for (;;) {
      Result<bool> more = rows.step();
      if (!more) return std::move(more).error();
      if (!*more) break;
      if (!read(rows)) dropped.emplace_back(rows.text(0));
    }
  }
  Result<sqlite::Statement> drop = fresh.prepare("DELETE FROM " + table + " WHERE id = ?1");
  if (!drop) return std::move(drop).error();
  for (const std::string& id : dropped) {
    if (Status gone = drop->use().bind(1, std::string_view(id)).run(); !gone) return gone;
  }
  return {};
}

Status found_again(const sqlite::Database& damaged, const sqlite::Database& fresh) {
  Result<sqlite::NodeRow> node = sqlite::read_node(damaged);
  if (!node) return sqlite::found_node(fresh);
  node->counts = {};  // history is not carried over
  return sqlite::insert_node(fresh, *node);
}

}  // namespace

Result<std::uint64_t> salvage_fleet(const sqlite::Database& damaged,
                                    const sqlite::Database& fresh) {
  Result<sqlite::Transaction> transaction = sqlite::Transaction::begin(fresh);
  if (!transaction) return std::move(transaction).error();
  Status status;
  for (const sqlite::SalvagedTable& table : kSalvaged) {
    if (status) status = sqlite::salvage_table(damaged, fresh, table);
  }
  if (status) status = drop_nonsense(fresh, "device", read_device);
  if (status) status = drop_nonsense(fresh, "rule", read_rule);
  if (status) status = drop_nonsense(fresh, "action", read_event);
  if (status) status = found_again(damaged, fresh);
  const std::string gap = std::to_string(kGap);
  const std::string totals =
      "UPDATE totals SET rules_set = EXISTS (SELECT 1 FROM rule), next_device = " + gap +
      " + (SELECT coalesce(max(id), 0) FROM device), next_event = " + gap +
      " + (SELECT coalesce(max(id), 0) FROM action), next_silence = 1 + (SELECT "
      "coalesce(max(id), 0) FROM silence)";
  if (status) status = fresh.execute(totals.c_str());
  if (!status) return std::move(status).error();
  Result<std::int64_t> devices = fresh.integer("SELECT count(*) FROM device");
  if (!devices) return std::move(devices).error();
  if (*devices == 0) return std::uint64_t{0};
  if (Status committed = transaction->commit(); !committed) return std::move(committed).error();
  return std::uint64_t(*devices);
}

}  // namespace spillway::cloud
