#include <algorithm>

#include "common/store/loss_rows.h"
#include "common/store/owner_tables.h"

namespace spillway::store {
namespace {

// Collects the rows of a query, each read by `read`.
template <class T, class Read>
Result<std::vector<T>> collect(sqlite::Cursor& cursor, Read read) {
  std::vector<T> rows;
  for (;;) {
    Result<bool> row = cursor.step();
    if (!row) return std::move(row).error();
    if (!*row) return rows;
    Result<T> value = read(cursor);
    if (!value) return std::move(value).error();
    rows.push_back(*std::move(value));
  }
}

std::int64_t count_of(std::size_t limit) {
  return static_cast<std::int64_t>(std::min<std::size_t>(limit, 1u << 30));
}

bool is_for(const ListFilter& filter, const ListedTask& listed) {
  if (filter.only_at == kNowhere && filter.at_tenant.empty()) return true;
  const PlaceId place = listed.row.only_at;
  return place == kNowhere ? listed.tenant == filter.at_tenant : place == filter.only_at;
}

bool matches(const ListFilter& filter, const ListedTask& listed) {
  return (!filter.state || listed.row.task.state == *filter.state) &&
         (filter.kind.empty() || listed.kind == filter.kind) &&
         (filter.tenant.empty() || listed.tenant == filter.tenant) && is_for(filter, listed);
}

}  // namespace

Result<sqlite::EncodedBytes> OwnerTables::read_body(const sqlite::Cursor& cursor, int column,
                                                    std::int64_t id) const {
  if (sqlite::EncodedBytes inlined = sqlite::read_bytes(cursor, column)) return inlined;
  sqlite::Cursor bulk = sql_.use(Sql::bulk);
  bulk.bind(1, id);
  Result<bool> row = bulk.step();
  if (!row) return std::move(row).error();
  return *row ? sqlite::read_bulk(bulk, 0) : Result<sqlite::EncodedBytes>(nullptr);
}

Result<sqlite::EncodedBytes> OwnerTables::read_spec(const sqlite::Cursor& cursor,
                                                    const TaskRow& row) const {
  if (const std::int64_t shared = cursor.integer(kSharedColumn); shared > 0) {
    return specs_.read(sql_, shared);
  }
  Result<sqlite::EncodedBytes> own = read_body(cursor, kRowColumns, spec_id(row.seq));
  if (own && row.together.size > 1) return specs_.same(*std::move(own));
  return own;
}

Result<TaskRow> OwnerTables::read_whole(const sqlite::Cursor& cursor) const {
  Result<TaskRow> row = read_task(cursor);
  if (!row) return row;
  Result<sqlite::EncodedBytes> spec = read_spec(cursor, *row);
  if (!spec) return std::move(spec).error();
  if (!*spec) return fail(Code::corrupt, "task " + std::to_string(row->seq) + ": has no spec");
  Result<sqlite::EncodedBytes> result = read_body(cursor, kRowColumns + 1, result_id(row->seq));
  if (!result) return std::move(result).error();
  row->spec = *std::move(spec);
  row->result = *std::move(result);
  return row;
}

Result<Recovered> OwnerTables::recover() const {
  Recovered recovered;
  const sqlite::NodeRow& node = file_.node();
  recovered.lives = lives_.all();
  Result<std::vector<KnownLife>> peers = LifeRows::peers(sql_);
  if (!peers) return std::move(peers).error();
  recovered.peers = *std::move(peers);
  Result<Places> places = this->places();
  if (!places) return std::move(places).error();
  recovered.places = *std::move(places);
  recovered.next_seq = node.next_seq;
  recovered.last_seen = node.last_seen;
  recovered.wall_at_last_seen = node.wall;
  recovered.session = node.session;
  recovered.counts = file_.counts();
  Result<std::uint64_t> accepted = this->accepted();
  if (!accepted) return std::move(accepted).error();
  recovered.accepted = *accepted;
  Result<std::uint64_t> damaged = lost_to_damage(sql_);
  if (!damaged) return std::move(damaged).error();
  recovered.damaged = *damaged;
  sqlite::Cursor live = sql_.use(Sql::live_tasks);
  auto tasks =
      collect<TaskRow>(live, [this](const sqlite::Cursor& row) { return read_whole(row); });
  if (!tasks) return std::move(tasks).error();
  recovered.live = *std::move(tasks);
  sqlite::Cursor outbox = sql_.use(Sql::outbox);
  auto offers = collect<OutboxRow>(outbox, [](const sqlite::Cursor& row) -> Result<OutboxRow> {
    return OutboxRow{row.unsigned_integer(0), Epoch{static_cast<std::uint32_t>(row.integer(1))}};
  });
  if (!offers) return std::move(offers).error();
  recovered.outbox = *std::move(offers);
  return recovered;
}

Result<Places> OwnerTables::places() const {
  Places places;
  sqlite::Cursor rows = sql_.use(Sql::places);
  for (;;) {
    Result<bool> more = rows.step();
    if (!more) return std::move(more).error();
    if (!*more) return places;
    places.restore({sqlite::read_count(rows, 0)}, rows.text(1));
  }
}

Result<std::vector<TaskRow>> OwnerTables::ready_after(const std::optional<ReadyKey>& after,
                                                      std::size_t limit,
                                                      std::size_t max_bytes) const {
  ReadyPage page{{}, limit, max_bytes};
  if (after) {
    sqlite::Cursor beside = use_ready(Sql::ready_beside, after, page);
    beside.bind(4, static_cast<std::int64_t>(after->seq));
    if (Status status = fill(page, beside); !status) return std::move(status).error();
  }
  if (!page.full && page.rows.size() < limit) {
    sqlite::Cursor beyond = use_ready(Sql::ready_beyond, after, page);
    if (Status status = fill(page, beyond); !status) return std::move(status).error();
  }
  return std::move(page.rows);
}

sqlite::Cursor OwnerTables::use_ready(Sql sql, const std::optional<ReadyKey>& after,
                                      const ReadyPage& page) const {
  sqlite::Cursor cursor = sql_.use(sql);
  cursor.bind(1, after ? static_cast<std::int64_t>(after->band) : -1)
      .bind(2, after ? after->deadline.time_since_epoch().count() : 0)
      .bind(3, count_of(page.limit - page.rows.size()));
  return cursor;
}

Status OwnerTables::fill(ReadyPage& page, sqlite::Cursor& cursor) const {
  for (;;) {
    Result<bool> more = cursor.step();
    if (!more) return std::move(more).error();
    if (!*more) return {};
    Result<TaskRow> row = read_whole(cursor);
    if (!row) return std::move(row).error();
    // One that is shared is there once.
    const bool held = !page.rows.empty() && page.rows.back().spec == row->spec;
    const std::size_t bytes = held ? 0 : row->spec->size();
    // A spec larger than the budget must not block the queue for ever.
    page.full = bytes > page.bytes_left && !page.rows.empty();
    if (page.full) return {};
    page.bytes_left -= std::min(page.bytes_left, bytes);
    page.rows.push_back(*std::move(row));
  }
}

Result<OwnerStore::Due> OwnerTables::due(NodeTime until, std::size_t limit) const {
  sqlite::Cursor cursor = sql_.use(Sql::due);
  cursor.bind(1, count_of(limit) + 1);
  OwnerStore::Due due;
  for (;;) {
    Result<bool> more = cursor.step();
    if (!more) return std::move(more).error();
    if (!*more) return due;
    const NodeTime at = sqlite::read_time(cursor, kRowColumns + 2);
    if (at > until || due.rows.size() == limit) {
      due.next = at;
      return due;
    }
    Result<TaskRow> row = read_whole(cursor);
    if (!row) return std::move(row).error();
    due.rows.push_back(*std::move(row));
  }
}

Result<TaskDetail> OwnerTables::find(std::uint64_t seq) const {
  sqlite::Cursor cursor = sql_.use(Sql::find_task);
  cursor.bind(1, static_cast<std::int64_t>(seq));
  Result<bool> found = cursor.step();
  if (!found) return std::move(found).error();
  if (!*found) return fail(Code::not_found, "no task " + std::to_string(seq));
  Result<TaskRow> row = read_whole(cursor);
  if (!row) return std::move(row).error();
  TaskDetail detail;
  detail.row = *std::move(row);
  detail.kind = cursor.text(kRowColumns + 2);
  detail.tenant = cursor.text(kRowColumns + 3);
  Result<std::vector<EventRow>> events = events_of(seq);
  if (!events) return std::move(events).error();
  detail.events = *std::move(events);
  Result<std::vector<std::uint64_t>> waits = waits_of(seq);
  if (!waits) return std::move(waits).error();
  detail.waits_for = *std::move(waits);
  return detail;
}

Result<std::vector<EventRow>> OwnerTables::events_of(std::uint64_t seq) const {
  sqlite::Cursor cursor = sql_.use(Sql::events);
  cursor.bind(1, first_event_id(seq)).bind(2, first_event_id(seq + 1) - 1).bind(3, 100);
  auto events = collect<EventRow>(cursor, read_event);
  if (events) std::reverse(events->begin(), events->end());
  return events;
}

Result<std::vector<std::uint64_t>> OwnerTables::waits_of(std::uint64_t seq) const {
  sqlite::Cursor cursor = sql_.use(Sql::waits_of);
  cursor.bind(1, static_cast<std::int64_t>(seq));
  return collect<std::uint64_t>(cursor, [](const sqlite::Cursor& row) -> Result<std::uint64_t> {
    return row.unsigned_integer(0);
  });
}

Status OwnerTables::list(ListFilter& filter, std::size_t slice,
                         std::vector<ListedTask>& found) const {
  sqlite::Cursor cursor = sql_.use(Sql::list_tasks);
  cursor.bind(1, static_cast<std::int64_t>(std::min(filter.before, kMaxSeq + 1)))
      .bind(2, count_of(slice));
  for (std::size_t seen = 0; found.size() < filter.limit; ++seen) {
    Result<bool> more = cursor.step();
    if (!more) return std::move(more).error();
    if (!*more) {
      if (seen < slice) filter.before = 0;
      return {};
    }
    Result<TaskRow> row = read_task(cursor);
    if (!row) return std::move(row).error();
    filter.before = row->seq;
    ListedTask listed{*std::move(row), std::string(cursor.text(kRowColumns)),
                      std::string(cursor.text(kRowColumns + 1))};
    if (matches(filter, listed)) found.push_back(std::move(listed));
  }
  filter.before = 0;
  return {};
}

Result<std::vector<TaskRow>> OwnerTables::dependents(std::uint64_t seq) const {
  sqlite::Cursor cursor = sql_.use(Sql::dependents);
  cursor.bind(1, static_cast<std::int64_t>(seq));
  return collect<TaskRow>(cursor, [this](const sqlite::Cursor& row) { return read_whole(row); });
}

Result<EndedParent> OwnerTables::ended_parent(std::uint64_t after) const {
  EndedParent ended;
  sqlite::Cursor waits = sql_.use(Sql::anyone_waits);
  Result<bool> any = waits.step();
  if (!any) return std::move(any).error();
  ended.anyone_waits = *any;
  sqlite::Cursor cursor = sql_.use(Sql::ended_parent);
  cursor.bind(1, static_cast<std::int64_t>(after));
  Result<bool> found = cursor.step();
  if (!found) return std::move(found).error();
  if (!*found) return ended;
  ended.seq = cursor.unsigned_integer(0);
  ended.succeeded = cursor.integer(1) == static_cast<std::int64_t>(TaskState::succeeded);
  return ended;
}

Result<std::optional<KnownKey>> OwnerTables::find_idempotent(const std::string& key,
                                                             NodeTime now) const {
  sqlite::Cursor cursor = sql_.use(Sql::find_idempotency);
  cursor.bind(1, std::string_view(key)).bind(2, now.time_since_epoch().count());
  Result<bool> row = cursor.step();
  if (!row) return std::move(row).error();
  std::optional<KnownKey> known;
  if (!*row) return known;
  known = KnownKey{cursor.unsigned_integer(0), std::nullopt};
  const ByteView wish = cursor.bytes(1);
  if (wish.size() == sizeof(Digest)) {
    std::copy(wish.begin(), wish.end(), known->wish.emplace().begin());
  }
  return known;
}

Result<sqlite::StoreReport> OwnerTables::inspect(bool deep) const {
  Result<sqlite::StoreReport> report = file_.report(deep, "task");
  if (!report || !deep) return report;
  Result<std::vector<std::string>> shared = shared_problems(file_.database());
  if (!shared) return std::move(shared).error();
  report->problems.insert(report->problems.end(), shared->begin(), shared->end());
  return report;
}

}  // namespace spillway::store
