#include "common/store/owner_salvage.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "common/base/grants.h"
#include "common/base/wall_watch.h"
#include "common/sqlite/node_row.h"
#include "common/sqlite/row_values.h"
#include "common/sqlite/table_salvage.h"
#include "common/store/life_rows.h"
#include "common/store/owner_sql.h"
#include "common/store/shared_specs.h"

namespace spillway::store {
namespace {

// More than a store can have handed out between the last page that reached the disk and the damage.
constexpr std::uint64_t kSeqGap = 1'000'000;

bool is_task(const sqlite::Cursor& row) {
  return row.integer(0) > 0 && row.unsigned_integer(0) <= kMaxSeq && row.unsigned_integer(1) <= 7;
}

constexpr sqlite::SalvagedTable kTables[] = {{"task", "seq", is_task},
                                             {"bulk", "id"},
                                             {"event", "id"},
                                             {"waits", nullptr},
                                             {"idempotency", nullptr},
                                             {"loss", nullptr},
                                             {"peer", "store"},
                                             {"life", "number"},
                                             {"place", "id", nullptr, "place_name"},
                                             {"spec", "id"}};

// Tasks that have nothing left to run, or nowhere to: a key stands for nothing then, either.
constexpr const char* kIsLost =
    " state < 4 AND ((spec IS NULL AND NOT EXISTS (SELECT 1 FROM bulk WHERE id = 2 * seq) AND NOT "
    "EXISTS (SELECT 1 FROM spec WHERE id = shared)) OR (only_at > 2 AND NOT EXISTS (SELECT 1 FROM "
    "place WHERE id = only_at)))";

// Specs and results that were lost take their tasks with them: there is nothing left to run, or to
// tell. What has ended was for no place when the name of that was lost, as its number is given
// anew. Tasks that wait for one whose row or whose waiting was lost are held, for people to decide.
// An attempt elsewhere goes on unwatched, and its result still counts.
constexpr const char* kMakeSafe = R"sql(
UPDATE task SET only_at = 0 WHERE only_at > 2
  AND NOT EXISTS (SELECT 1 FROM place WHERE id = only_at);
UPDATE task SET crashed_at = 0 WHERE crashed_at > 2
  AND NOT EXISTS (SELECT 1 FROM place WHERE id = crashed_at);
UPDATE event SET place = 0 WHERE place > 2
  AND NOT EXISTS (SELECT 1 FROM place WHERE id = event.place);
DELETE FROM task WHERE spec IS NULL AND NOT EXISTS (SELECT 1 FROM bulk WHERE id = 2 * seq)
  AND NOT EXISTS (SELECT 1 FROM spec WHERE id = shared);
DELETE FROM task WHERE state = 4 AND result IS NULL
  AND NOT EXISTS (SELECT 1 FROM bulk WHERE id = 2 * seq + 1);
DELETE FROM task WHERE state > 7 OR band NOT BETWEEN 0 AND 3 OR place NOT BETWEEN 0 AND 1000000
  OR reason NOT BETWEEN 0 AND 6 OR last_failure NOT BETWEEN 0 AND 9;
DELETE FROM waits WHERE NOT EXISTS (SELECT 1 FROM task WHERE task.seq = waits.seq AND state < 4)
  OR NOT EXISTS (SELECT 1 FROM task WHERE task.seq = on_seq AND state < 4);
UPDATE task SET state = 1, reason = 0, place = 0, offer_pending = 0, lease_until = NULL,
  run_until = NULL, due = nullif(min(deadline, coalesce(start_by, 9223372036854775807)),
  9223372036854775807) WHERE state IN (2, 3) AND place > 1;
DELETE FROM spec WHERE NOT EXISTS (SELECT 1 FROM task WHERE shared = spec.id AND shared > 0);
UPDATE task SET reason = 4, deps = 0 WHERE state = 0 AND reason = 1
  AND deps <> (SELECT count(*) FROM waits WHERE waits.seq = task.seq);
)sql";

// Unfinished tasks, finished ones with their results, and events, by what the row `node` says.
using Rows = std::array<std::uint64_t, 3>;

Rows rows_of(const sqlite::NodeRow& node) {
  const auto begin = node.counts.begin();
  return {std::accumulate(begin, begin + 4, std::uint64_t{0}),
          std::accumulate(begin + 4, node.counts.end(), std::uint64_t{0}), node.events};
}

// What there was and is no more. More than there were numbers for says nothing.
void note_lost(const sqlite::NodeRow& before, const sqlite::NodeRow& after, Salvage& salvage) {
  const Rows was = rows_of(before), is = rows_of(after);
  for (std::size_t i = 0; i < was.size(); ++i) {
    const bool believable = i == 2 ? was[i] < kSeqGap * 100 : was[i] < before.next_seq;
    salvage.missing[i] = believable && was[i] > is[i] ? was[i] - is[i] : 0;
  }
}

// Epochs move on so that none is granted twice.
Status move_epochs_on(const sqlite::Database& fresh) {
  const std::string on = "UPDATE task SET epoch = min(epoch + " + std::to_string(kSalvageStep) +
                         ", 4294967295) WHERE state < 4";
  return fresh.execute(on.c_str());
}

// Large values that can be read and are not what was written: `columns` are what `read` looks at.
using Read = Result<sqlite::EncodedBytes>(const sqlite::Cursor& row, int column);
Status drop_damaged(const sqlite::Database& fresh, const std::string& table,
                    const std::string& columns, Read& read) {
  std::vector<std::int64_t> damaged;
  Result<sqlite::Statement> all = fresh.prepare("SELECT " + columns + ", id FROM " + table);
  if (!all) return std::move(all).error();
  {
    sqlite::Cursor rows = all->use();
    for (;;) {
      Result<bool> row = rows.step();
      if (!row) return std::move(row).error();
      if (!*row) break;
      if (!read(rows, 0)) damaged.push_back(rows.integer(2));
    }
  }
  Result<sqlite::Statement> drop = fresh.prepare("DELETE FROM " + table + " WHERE id = ?1");
  if (!drop) return std::move(drop).error();
  for (const std::int64_t id : damaged) {
    if (Status status = drop->use().bind(1, id).run(); !status) return status;
  }
  return {};
}

Status drop_damaged_values(const sqlite::Database& fresh) {
  Status dropped = drop_damaged(fresh, "bulk", "bytes, sum", sqlite::read_bulk);
  return dropped ? drop_damaged(fresh, "spec", "bytes, digest", read_shared) : dropped;
}

Result<Lives> lives_of(const sqlite::Database& fresh, Origin founding) {
  Result<sqlite::Statement> rows = fresh.prepare(sql_text(Sql::lives));
  if (!rows) return std::move(rows).error();
  Result<std::vector<Life>> kept = LifeRows::collect(rows->use());
  if (!kept) return std::move(kept).error();
  return Lives(*kept, founding);
}

// Tasks that can be read and not be done any more, with their keys.
Status drop_lost(const sqlite::Database& fresh, const Lives& lives, std::vector<TaskId>& lost) {
  Result<sqlite::Statement> which =
      fresh.prepare(std::string("SELECT seq FROM task WHERE") + kIsLost + " ORDER BY seq");
  if (!which) return std::move(which).error();
  {
    sqlite::Cursor rows = which->use();
    for (;;) {
      Result<bool> row = rows.step();
      if (!row) return std::move(row).error();
      if (!*row) break;
      lost.push_back(lives.id_of(rows.unsigned_integer(0)));
    }
  }
  const std::string drop =
      std::string("DELETE FROM idempotency WHERE seq IN (SELECT seq FROM task WHERE") + kIsLost +
      "); DELETE FROM task WHERE" + kIsLost;
  return fresh.execute(drop.c_str());
}

// The row `node` was lost. What follows from the other tables is enough to go on under the same
// name: numbers may be given again, as each life names them anew.
Result<sqlite::NodeRow> node_of(const sqlite::Database& fresh) {
  sqlite::NodeRow node;
  const auto read = [&fresh](const char* sql) { return fresh.integer(sql); };
  Result<std::int64_t> origin =
      read("SELECT coalesce((SELECT origin FROM life ORDER BY number DESC LIMIT 1), 0)");
  if (!origin) return std::move(origin).error();
  if (*origin == 0) return fail(Code::corrupt, "the store does not say whose it is");
  node.origin.value = static_cast<std::uint64_t>(*origin);
  Result<std::int64_t> next = read("SELECT max(first_seq) FROM life");
  if (!next) return std::move(next).error();
  node.next_seq = static_cast<std::uint64_t>(std::max<std::int64_t>(*next, 1));
  Result<std::int64_t> seen = read(
      "SELECT max(coalesce((SELECT max(since) FROM task), 0), coalesce((SELECT max(created) FROM "
      "task), 0), coalesce((SELECT max(at) FROM event), 0))");
  if (!seen) return std::move(seen).error();
  node.last_seen = NodeTime(Duration(*seen));
  return node;
}

// Counts, of each class, what was given up before and what is here.
Status count_produced(const sqlite::Database& fresh, sqlite::NodeRow& node) {
  for (std::size_t data = 0; data < node.produced.size(); ++data) {
    Result<std::int64_t> lost = fresh.integer(
        "SELECT coalesce(sum(count), 0) FROM loss WHERE class = " + std::to_string(data));
    if (!lost) return std::move(lost).error();
    node.produced[data] = static_cast<std::uint64_t>(*lost);
  }
  const Rows here = rows_of(node);
  node.produced[0] += here[0] + here[1];
  node.produced[1] += here[1];
  node.produced[2] += here[2];
  return {};
}

Result<std::uint64_t> count_rows(const sqlite::Database& fresh, sqlite::NodeRow& node) {
  std::uint64_t total = 0;
  for (std::size_t state = 0; state < node.counts.size(); ++state) {
    Result<std::int64_t> rows =
        fresh.integer("SELECT count(*) FROM task WHERE state = " + std::to_string(state));
    if (!rows) return std::move(rows).error();
    node.counts[state] = static_cast<std::uint64_t>(*rows);
    total += node.counts[state];
  }
  Result<std::int64_t> events = fresh.integer("SELECT count(*) FROM event");
  if (!events) return std::move(events).error();
  node.events = static_cast<std::uint64_t>(*events);
  Result<std::int64_t> keys = fresh.integer("SELECT count(*) FROM idempotency");
  if (!keys) return std::move(keys).error();
  node.keys = static_cast<std::uint64_t>(*keys);
  return total;
}

}  // namespace

Result<std::uint64_t> salvage_owner(const sqlite::Database& damaged, const sqlite::Database& fresh,
                                    Salvage& salvage) {
  Result<sqlite::Transaction> transaction = sqlite::Transaction::begin(fresh);
  if (!transaction) return std::move(transaction).error();
  for (const sqlite::SalvagedTable& table : kTables) {
    if (Status status = sqlite::salvage_table(damaged, fresh, table); !status) {
      return std::move(status).error();
    }
  }
  Result<sqlite::NodeRow> node = sqlite::read_node(damaged);
  const bool whose = node.ok();
  if (!whose) node = node_of(fresh);
  if (!node) return std::uint64_t{0};
  const sqlite::NodeRow before = *node;
  if (Status status = drop_damaged_values(fresh); !status) return std::move(status).error();
  Result<Lives> lives = lives_of(fresh, node->origin);
  if (!lives) return std::move(lives).error();
  Status dropped = drop_lost(fresh, *lives, salvage.lost);
  if (dropped) dropped = fresh.execute(kMakeSafe);
  if (dropped) dropped = settle_since(fresh);
  if (!dropped) return std::move(dropped).error();
  if (Status status = move_epochs_on(fresh); !status) return std::move(status).error();
  Result<std::uint64_t> tasks = count_rows(fresh, *node);
  if (!tasks) return tasks;
  if (whose) note_lost(before, *node, salvage);
  if (!whose) {
    if (Status status = count_produced(fresh, *node); !status) return std::move(status).error();
  }
  Result<std::int64_t> last = fresh.integer("SELECT coalesce(max(seq), 0) FROM task");
  if (!last) return std::move(last).error();
  node->next_seq = std::max(node->next_seq, static_cast<std::uint64_t>(*last) + 1) + kSeqGap;
  if (Status status = sqlite::insert_node(fresh, *node); !status) return std::move(status).error();
  if (Status status = transaction->commit(); !status) return std::move(status).error();
  return tasks;
}

Status note_damage(const sqlite::Database& file, Duration wall, const Salvage& salvage) {
  Result<sqlite::NodeRow> node = sqlite::read_node(file);
  if (!node) return std::move(node).error();
  // The damage came after the device was last well, and was found now.
  const NodeTime found = resume_at(node->last_seen, node->wall, wall);
  Result<sqlite::Transaction> transaction = sqlite::Transaction::begin(file);
  if (!transaction) return std::move(transaction).error();
  Result<sqlite::Statement> lost = file.prepare(
      "INSERT INTO loss (class, cause, period, first, last, count, reported, least) VALUES (?1, "
      "?2, ?3, ?4, ?5, ?6, 0, 1) ON CONFLICT DO UPDATE SET last = max(last, excluded.last), count "
      "= count + excluded.count, least = 1");
  if (!lost) return std::move(lost).error();
  for (std::size_t data = 0; data < salvage.missing.size(); ++data) {
    // P23. Tasks count as lost beside those that were accepted, of which they were; of the others
    // the node says how many there were, unless it is new.
    const bool tasks = data == static_cast<std::size_t>(DataClass::tasks);
    const std::uint64_t count = std::max<std::uint64_t>(salvage.missing[data], tasks ? 1 : 0);
    if (count == 0) continue;
    std::uint64_t& produced = node->produced[data];
    produced = tasks ? produced + count : std::max(produced, count);
    Status counted = lost->use()
                         .bind(1, static_cast<std::int64_t>(data))
                         .bind(2, static_cast<std::int64_t>(LossCause::store))
                         .bind(3, loss_period(found).time_since_epoch().count())
                         .bind(4, node->last_seen.time_since_epoch().count())
                         .bind(5, found.time_since_epoch().count())
                         .bind(6, static_cast<std::int64_t>(count))
                         .run();
    if (!counted) return counted;
  }
  Result<sqlite::Statement> update = file.prepare(sqlite::write_node_sql());
  if (!update) return std::move(update).error();
  if (Status status = sqlite::write_node(update->use(), *node); !status) return status;
  return transaction->commit();
}

}  // namespace spillway::store
