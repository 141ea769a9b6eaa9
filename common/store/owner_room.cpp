#include <algorithm>
#include <limits>
#include <numeric>

#include "common/store/budget.h"
#include "common/store/loss_rows.h"
#include "common/store/owner_tables.h"

namespace spillway::store {
namespace {

constexpr std::uint64_t kDropSlice = 256;  // rows given up in one step
constexpr std::size_t kLookFor = 256;      // finished tasks among which the lowest band goes

// How much of a class above its limit goes in this step.
std::uint64_t surplus(std::uint64_t have, std::uint64_t limit) {
  return std::min(have - std::min(have, limit), kDropSlice);
}

}  // namespace

std::uint64_t OwnerTables::results() const {
  const auto& counts = file_.node().counts;
  std::uint64_t ended = 0;
  for (auto state = std::size_t(TaskState::succeeded); state < counts.size(); ++state) {
    ended += counts[state];
  }
  return ended;
}

// Whether what was kept stands in the way of new work: there is little room left for it, and most
// of what is here is finished. Fewer results than that are left to those who wait for them. Room is
// made ahead, for whoever is turned away comes back much later.
bool OwnerTables::is_filled_by_results() const {
  const std::uint64_t room = std::max(plan_.tasks() / 20, disk_cost(kInlineLimit));
  if (in_use_ + room <= plan_.tasks()) return false;
  const auto& counts = file_.node().counts;
  return results() > std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}) - results();
}

// Ahead of what the batch brings, so that it finds their pages: these are then written once, and
// not again when the log is written back. Many at a time, and the last ones stay: tasks end a
// little out of order, so those share pages with what has not ended.
Status OwnerTables::drop_spare_specs() {
  const std::size_t stay = in_use_ > plan_.tasks() / 2 ? 0 : options_.spare_specs;
  if (spare_specs_.size() < 2 * stay) return {};
  std::sort(spare_specs_.begin(), spare_specs_.end());
  const auto end = spare_specs_.end() - static_cast<std::ptrdiff_t>(stay);
  for (auto seq = spare_specs_.begin(); seq != end; ++seq) {
    if (Status status = run(Sql::drop_spare_spec, *seq); !status) return status;
  }
  spare_specs_.erase(spare_specs_.begin(), end);
  return {};
}

// Before a batch is written, in its transaction: what it brings must find room, whatever was kept
// until now (P21). In this order: spare specs; results beyond their number, counting those that the
// batch brings; results while the file is too full, or filled by them; events beyond their number,
// or while the file is too full; keys. At most kDropSlice rows of each go in one batch, so that no
// commit takes long, and each is counted as lost (P23), but for keys and spare specs.
Status OwnerTables::make_room(const Batch& batch) {
  if (Status status = drop_spare_specs(); !status) return status;
  Result<std::uint64_t> used = file_.in_use();
  if (!used) return std::move(used).error();
  in_use_ = *used;
  const auto ends = static_cast<std::uint64_t>(
      std::count_if(batch.updates.begin(), batch.updates.end(),
                    [](const TaskUpdate& change) { return is_terminal(change.next.state); }));
  const std::uint64_t over =
      surplus(results() + ends, options_.budget.of(DataClass::results).items);
  if (Status status = drop_results(over, LossCause::items, batch); !status) return status;
  if (in_use_ > plan_.results() || is_filled_by_results()) {
    const std::uint64_t drop = std::min(kDropSlice, 2 * (ends + batch.inserts.size()) + 16);
    Status status = drop_results(drop, LossCause::disk_budget, batch);
    if (!status) return status;
  }
  const ClassLimits& events = options_.budget.of(DataClass::events);
  if (events.on_full != OnFull::reject_newest && !batch.events.empty()) {
    const std::uint64_t beyond = surplus(file_.node().events + batch.events.size(), events.items);
    Status status = drop_oldest_events(beyond, LossCause::items, batch.now);
    if (status && in_use_ > plan_.tasks()) {
      status = drop_oldest_events(std::min<std::uint64_t>(kDropSlice, 2 * batch.events.size()),
                                  LossCause::disk_budget, batch.now);
    }
    if (!status) return status;
  }
  return drop_keys();
}

std::optional<LossCause> OwnerTables::refuses_events() const {
  const ClassLimits& events = options_.budget.of(DataClass::events);
  if (file_.node().events >= events.items) return LossCause::items;
  const bool newest = events.on_full == OnFull::reject_newest;
  if (newest && in_use_ > plan_.tasks()) return LossCause::disk_budget;
  return std::nullopt;
}

Result<std::vector<OwnerTables::Ended>> OwnerTables::finished(NodeTime until,
                                                              std::size_t limit) const {
  std::vector<Ended> ended;
  sqlite::Cursor cursor = sql_.use(Sql::purgeable);
  cursor.bind(1, until.time_since_epoch().count()).bind(2, static_cast<std::int64_t>(limit));
  for (;;) {
    Result<bool> row = cursor.step();
    if (!row) return std::move(row).error();
    if (!*row) return ended;
    ended.push_back({cursor.unsigned_integer(0), static_cast<TaskState>(cursor.integer(1) & 7),
                     static_cast<Band>(cursor.integer(2) & 3),
                     sqlite::read_time(cursor, 4) - sqlite::read_time(cursor, 3),
                     cursor.integer(5)});
  }
}

Status OwnerTables::drop_results(std::uint64_t drop, LossCause cause, const Batch& batch) {
  if (drop == 0) return {};
  const auto most = static_cast<std::size_t>(drop);
  const bool lowest = options_.budget.of(DataClass::results).on_full == OnFull::drop_lowest_band;
  Result<std::vector<Ended>> ended = finished(kNever, lowest ? kLookFor + most : most);
  if (!ended) return std::move(ended).error();
  if (lowest) {
    std::stable_sort(ended->begin(), ended->end(),
                     [](const Ended& a, const Ended& b) { return a.band > b.band; });
  }
  ended->resize(std::min(ended->size(), most));
  for (const Ended& task : *ended) {
    const bool asked_for_again =
        std::any_of(batch.updates.begin(), batch.updates.end(),
                    [&task](const TaskUpdate& change) { return change.seq == task.seq; });
    if (asked_for_again) continue;
    if (Status status = forget(task, cause, batch.now); !status) return status;
  }
  return {};
}

Status OwnerTables::drop_events(std::int64_t first, std::int64_t last, LossCause cause,
                                NodeTime now) {
  sqlite::Cursor cursor = sql_.use(Sql::trim_events);
  if (Status status = cursor.bind(1, first).bind(2, last).run(); !status) return status;
  const std::uint64_t gone = changed();
  file_.node().events -= gone;
  return lose(file_, sql_, DataClass::events, cause, now, gone);
}

Status OwnerTables::drop_oldest_events(std::uint64_t drop, LossCause cause, NodeTime now) {
  if (drop == 0) return {};
  std::int64_t last = 0;
  {
    sqlite::Cursor oldest = sql_.use(Sql::events_after);
    oldest.bind(1, std::int64_t{0}).bind(2, static_cast<std::int64_t>(drop));
    for (;;) {
      Result<bool> row = oldest.step();
      if (!row) return std::move(row).error();
      if (!*row) break;
      last = oldest.integer(0);
    }
  }
  return drop_events(0, last, cause, now);
}

Result<bool> OwnerTables::sweep_events(NodeTime now, std::size_t slice) {
  const Duration age = options_.budget.of(DataClass::events).age;
  std::vector<std::int64_t> old;
  std::size_t seen = 0;
  {
    sqlite::Cursor events = sql_.use(Sql::events_after);
    events.bind(1, swept_).bind(2, static_cast<std::int64_t>(slice));
    for (;; ++seen) {
      Result<bool> row = events.step();
      if (!row) return std::move(row).error();
      if (!*row) break;
      swept_ = events.integer(0);
      if (now - sqlite::read_time(events, 1) >= age) old.push_back(swept_);
    }
  }
  if (seen < slice) swept_ = 0;
  for (const std::int64_t id : old) {
    if (Status status = drop_events(id, id, LossCause::age, now); !status) {
      return std::move(status).error();
    }
  }
  return !old.empty();
}

// A key beyond the cap is forgotten before its window ends; the soonest to end goes first.
Status OwnerTables::drop_keys() {
  const std::uint64_t most =
      options_.budget.of(DataClass::tasks).items + options_.budget.of(DataClass::results).items;
  const std::uint64_t over = surplus(file_.node().keys, most);
  if (over == 0) return {};
  sqlite::Cursor keys = sql_.use(Sql::drop_soonest_keys);
  keys.bind(1, std::numeric_limits<std::int64_t>::min()).bind(2, static_cast<std::int64_t>(over));
  if (Status status = keys.run(); !status) return status;
  file_.node().keys -= changed();
  return {};
}

// A task whose deadline passed was accepted; all that was lost otherwise was never here.
Result<std::uint64_t> OwnerTables::accepted() const {
  Result<std::vector<LossRow>> rows = read_losses(sql_);
  if (!rows) return std::move(rows).error();
  std::uint64_t accepted = file_.node().produced[static_cast<std::size_t>(DataClass::tasks)];
  for (const LossRow& row : *rows) {
    const bool turned_away =
        row.key.data == DataClass::tasks && row.key.cause != LossCause::deadline;
    if (turned_away) accepted -= std::min(accepted, row.count);
  }
  return accepted;
}

Result<LossTable> OwnerTables::losses() const {
  Result<std::vector<LossRow>> rows = read_losses(sql_);
  if (!rows) return std::move(rows).error();
  LossTable table;
  table.rows = *std::move(rows);
  const sqlite::NodeRow& node = file_.node();
  std::copy(node.produced.begin(), node.produced.end(), table.produced);
  for (std::size_t i = 0; i < kDataClasses; ++i) table.kept[i] = table.produced[i];
  for (const LossRow& row : table.rows) {
    table.kept[static_cast<std::size_t>(row.key.data)] -= row.count;
  }
  table.kept[static_cast<std::size_t>(DataClass::results)] = results();
  table.kept[static_cast<std::size_t>(DataClass::events)] = node.events;
  return table;
}

}  // namespace spillway::store
