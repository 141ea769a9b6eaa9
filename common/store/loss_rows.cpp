#include "common/store/loss_rows.h"

#include "common/sqlite/row_values.h"

namespace spillway::store {
namespace {

constexpr std::size_t kMaxLossRows = 512;

sqlite::Cursor& bind_key(sqlite::Cursor& cursor, const LossKey& key) {
  return cursor.bind(1, static_cast<std::int64_t>(key.data))
      .bind(2, static_cast<std::int64_t>(key.cause))
      .bind(3, key.period.time_since_epoch().count());
}

bool same_kind(const LossKey& a, const LossKey& b) {
  return a.data == b.data && a.cause == b.cause;
}

// The oldest period becomes part of the next one of its class and cause: what is far back is known
// less exactly in time, and as exactly in number.
Status melt(const sqlite::NodeFile& file, const OwnerStatements& sql) {
  Result<std::vector<LossRow>> rows = read_losses(sql);
  if (!rows) return std::move(rows).error();
  if (rows->size() <= kMaxLossRows) return {};
  std::size_t oldest = rows->size();
  for (std::size_t i = 0; i + 1 < rows->size(); ++i) {
    const LossKey& key = (*rows)[i].key;
    if (!same_kind(key, (*rows)[i + 1].key)) continue;
    if (oldest == rows->size() || key.period < (*rows)[oldest].key.period) oldest = i;
  }
  if (oldest == rows->size()) return {};
  LossRow melted = (*rows)[oldest];
  sqlite::Cursor drop = sql.use(Sql::drop_loss);
  if (Status status = bind_key(drop, melted.key).run(); !status) return status;
  melted.key.period = (*rows)[oldest + 1].key.period;
  return lose(file, sql, melted);
}

}  // namespace

Status lose(const sqlite::NodeFile& file, const OwnerStatements& sql, const LossRow& row) {
  for (const Sql step : {Sql::lose_more, Sql::lose_first}) {
    sqlite::Cursor cursor = sql.use(step);
    bind_key(cursor, row.key)
        .bind(4, row.first.time_since_epoch().count())
        .bind(5, row.last.time_since_epoch().count())
        .bind(6, static_cast<std::int64_t>(row.count))
        .bind(7, static_cast<std::int64_t>(row.reported))
        .bind(8, static_cast<std::int64_t>(row.at_least));
    if (Status status = cursor.run(); !status) return status;
    if (step == Sql::lose_more && file.database().changes() > 0) return {};
  }
  return melt(file, sql);
}

Status lose(const sqlite::NodeFile& file, const OwnerStatements& sql, DataClass data,
            LossCause cause, NodeTime at, std::uint64_t count) {
  if (count == 0) return {};
  return lose(file, sql, LossRow{{data, cause, loss_period(at)}, at, at, count, 0});
}

Status note_losses(sqlite::NodeFile& file, const OwnerStatements& sql, const Batch& batch) {
  const auto produced = [&file](DataClass data) -> std::uint64_t& {
    return file.node().produced[static_cast<std::size_t>(data)];
  };
  for (const LossCount& loss : batch.losses) {
    produced(loss.data) += loss.count;
    Status status = lose(file, sql, loss.data, loss.cause, loss.at, loss.count);
    if (!status) return status;
  }
  produced(DataClass::telemetry) += batch.samples;
  for (const LossRow& row : batch.reported) {
    sqlite::Cursor cursor = sql.use(Sql::report_loss);
    bind_key(cursor, row.key).bind(4, static_cast<std::int64_t>(row.count));
    if (Status status = cursor.run(); !status) return status;
  }
  return {};
}

Result<std::uint64_t> lost_to_damage(const OwnerStatements& sql) {
  Result<std::vector<LossRow>> rows = read_losses(sql);
  if (!rows) return std::move(rows).error();
  std::uint64_t lost = 0;
  for (const LossRow& row : *rows) {
    const bool damage = row.at_least && row.key.cause == LossCause::store;
    if (damage && row.key.data == DataClass::tasks) lost += row.count;
  }
  return lost;
}

Result<std::vector<LossRow>> read_losses(const OwnerStatements& sql) {
  std::vector<LossRow> rows;
  sqlite::Cursor cursor = sql.use(Sql::losses);
  for (;;) {
    Result<bool> more = cursor.step();
    if (!more) return std::move(more).error();
    if (!*more) return rows;
    bool good = true;
    LossRow row;
    row.key.data = sqlite::read_enum(cursor, 0, DataClass::telemetry, good);
    row.key.cause = sqlite::read_enum(cursor, 1, LossCause::draining, good);
    row.key.period = sqlite::read_time(cursor, 2);
    row.first = sqlite::read_time(cursor, 3);
    row.last = sqlite::read_time(cursor, 4);
    row.count = cursor.unsigned_integer(5);
    row.reported = cursor.unsigned_integer(6);
    row.at_least = cursor.integer(7) != 0;
    if (!good) return fail(Code::corrupt, "a row of the loss ledger makes no sense");
    rows.push_back(row);
  }
}

}  // namespace spillway::store
