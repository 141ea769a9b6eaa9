#include "common/ledger/loss_tables.h"

#include "common/sqlite/row_values.h"

namespace spillway::ledger {
namespace {

using sqlite::Cursor;

constexpr std::int64_t kMaxOrigins = 64;    // stores a device may have had
constexpr std::int64_t kMaxEntries = 2048;  // periods kept of a device

// The origin of what was lost here: no store of a device has it.
constexpr std::int64_t kHere = 0;

using Texts = std::array<std::string, static_cast<std::size_t>(LossSql::count_)>;

Texts make_texts() {
  Texts texts;
  const auto set = [&texts](LossSql sql, std::string text) {
    texts[static_cast<std::size_t>(sql)] = std::move(text);
  };
  set(LossSql::put_produced,
      "INSERT INTO produced (device, origin, class, count) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO "
      "UPDATE SET count = "
      "max(count, excluded.count)");
  set(LossSql::put_total,
      "INSERT INTO loss_total (device, origin, class, cause, count) VALUES (?1, ?2, ?3, ?4, ?5) ON "
      "CONFLICT DO UPDATE SET count = "
      "max(count, excluded.count)");
  // A clock that was set meanwhile fills in the times; one that was never right cannot spoil them.
  set(LossSql::put_entry,
      "INSERT INTO loss (device, origin, class, cause, period, first, last, count, least) VALUES "
      "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO UPDATE SET "
      "first = iif(excluded.first = 0, first, excluded.first), last = max(last, excluded.last), "
      "count = max(count, excluded.count), least = max(least, excluded.least)");
  set(LossSql::add_total,
      "INSERT INTO loss_total (device, origin, class, cause, count) VALUES (?1, ?2, ?3, ?4, ?5) ON "
      "CONFLICT DO UPDATE SET count = count + excluded.count");
  set(LossSql::add_entry,
      "INSERT INTO loss (device, origin, class, cause, period, first, last, count, least) VALUES "
      "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO UPDATE SET last = max(last, "
      "excluded.last), count = count + excluded.count, least = max(least, excluded.least)");
  set(LossSql::origins,
      "SELECT count(*) FROM produced WHERE device = ?1 AND origin <> ?2 AND class = 0");
  set(LossSql::entries_of, "SELECT count(*) FROM loss WHERE device = ?1");
  set(LossSql::drop_oldest,
      "DELETE FROM loss WHERE device = ?1 AND (origin, class, cause, period) IN (SELECT origin, "
      "class, cause, period FROM loss WHERE device = ?1 ORDER BY period LIMIT ?2)");
  set(LossSql::produced, "SELECT class, count FROM produced WHERE device = ?1");
  set(LossSql::totals, "SELECT class, cause, count FROM loss_total WHERE device = ?1");
  set(LossSql::entries,
      "SELECT class, cause, period, first, last, count, least FROM loss WHERE device = ?1 ORDER BY "
      "origin, class, cause, period");
  return texts;
}

// Calls `each(cursor)` for every row about the device; it answers whether the row makes sense.
template <class Each>
Status for_rows(Cursor cursor, const std::string& device, Each each) {
  cursor.bind(1, std::string_view(device));
  for (;;) {
    Result<bool> row = cursor.step();
    if (!row) return std::move(row).error();
    if (!*row) return {};
    if (!each(cursor)) return fail(Code::corrupt, device + ": a row of its losses makes no sense");
  }
}

Result<std::int64_t> number(Cursor& cursor) {
  Result<bool> row = cursor.step();
  if (!row) return std::move(row).error();
  return *row ? cursor.integer(0) : 0;
}

std::int64_t stored(auto value) { return static_cast<std::int64_t>(value); }

}  // namespace

const std::string& sql_text(LossSql sql) {
  static const Texts kTexts = make_texts();
  return kTexts[static_cast<std::size_t>(sql)];
}

Result<LossTables> LossTables::open(const sqlite::Database& database) {
  Statements all;
  for (std::size_t i = 0; i < all.size(); ++i) {
    Result<sqlite::Statement> statement = database.prepare(sql_text(static_cast<LossSql>(i)));
    if (!statement) return std::move(statement).error();
    all[i] = *std::move(statement);
  }
  return LossTables(std::move(all));
}

Status LossTables::apply(const std::string& device, const wire::LossReport& report) {
  const std::int64_t origin = stored(report.origin.value);
  Cursor origins = use(LossSql::origins);
  Result<std::int64_t> others = number(origins.bind(1, std::string_view(device)).bind(2, origin));
  if (!others) return std::move(others).error();
  if (*others >= kMaxOrigins) return {};
  for (std::size_t i = 0; i < kDataClasses; ++i) {
    Cursor made = use(LossSql::put_produced);
    made.bind(1, std::string_view(device)).bind(2, origin).bind(3, stored(i));
    if (Status status = made.bind(4, stored(report.produced[i])).run(); !status) return status;
  }
  for (const wire::LossEntry& entry : report.entries) {
    Status status = put(device, origin, entry, LossSql::put_total, LossSql::put_entry);
    if (!status) return status;
  }
  return bound(device);
}

Status LossTables::add(const std::string& device, const wire::LossEntry& entry) {
  Status status = put(device, kHere, entry, LossSql::add_total, LossSql::add_entry);
  return status ? bound(device) : status;
}

// However many periods a device tells of.
Status LossTables::bound(const std::string& device) {
  Cursor kept = use(LossSql::entries_of);
  Result<std::int64_t> entries = number(kept.bind(1, std::string_view(device)));
  if (!entries) return std::move(entries).error();
  if (*entries <= kMaxEntries) return {};
  Cursor drop = use(LossSql::drop_oldest);
  return drop.bind(1, std::string_view(device)).bind(2, *entries - kMaxEntries).run();
}

Status LossTables::put(const std::string& device, std::int64_t origin, const wire::LossEntry& entry,
                       LossSql total_sql, LossSql row_sql) {
  Cursor total = use(total_sql);
  total.bind(1, std::string_view(device)).bind(2, origin).bind(3, stored(entry.key.data));
  total.bind(4, stored(entry.key.cause))
      .bind(5, stored(total_sql == LossSql::add_total ? entry.count : entry.total));
  if (Status status = total.run(); !status) return status;
  Cursor row = use(row_sql);
  row.bind(1, std::string_view(device)).bind(2, origin).bind(3, stored(entry.key.data));
  row.bind(4, stored(entry.key.cause)).bind(5, entry.key.period.time_since_epoch().count());
  row.bind(6, entry.first.count()).bind(7, entry.last.count()).bind(8, stored(entry.count));
  return row.bind(9, stored(entry.at_least)).run();
}

Result<LossBook> LossTables::book(const std::string& device) const {
  StoredLosses all;
  Status status = for_rows(use(LossSql::produced), device, [&all](const Cursor& row) {
    bool good = true;
    all.produced.push_back(
        {sqlite::read_enum(row, 0, DataClass::telemetry, good), row.unsigned_integer(1)});
    return good;
  });
  if (!status) return std::move(status).error();
  status = for_rows(use(LossSql::totals), device, [&all](const Cursor& row) {
    bool good = true;
    all.totals.push_back({sqlite::read_enum(row, 0, DataClass::telemetry, good),
                          sqlite::read_enum(row, 1, LossCause::draining, good),
                          row.unsigned_integer(2)});
    return good;
  });
  if (!status) return std::move(status).error();
  status = for_rows(use(LossSql::entries), device, [&all](const Cursor& row) {
    bool good = true;
    wire::LossEntry entry;
    entry.key = {sqlite::read_enum(row, 0, DataClass::telemetry, good),
                 sqlite::read_enum(row, 1, LossCause::draining, good), sqlite::read_time(row, 2)};
    entry.first = Duration(row.integer(3));
    entry.last = Duration(row.integer(4));
    entry.count = row.unsigned_integer(5);
    entry.at_least = row.integer(6) != 0;
    all.entries.push_back(entry);
    return good;
  });
  if (!status) return std::move(status).error();
  return reconcile(all);
}

}  // namespace spillway::ledger
