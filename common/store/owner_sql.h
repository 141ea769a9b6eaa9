#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "common/sqlite/database.h"
#include "common/sqlite/row_values.h"
#include "common/store/owner_store.h"

// The owner store's statements, and the mapping between its rows and values.
namespace spillway::store {

enum class Sql : std::uint8_t {
  insert_task,
  update_task,
  update_task_and_result,
  put_bulk,
  drop_bulk,
  drop_spare_spec,
  insert_event,
  trim_events,
  put_outbox,
  drop_outbox,
  insert_wait,
  drop_waits_on,
  put_idempotency,
  ready_beside,
  ready_beyond,
  due,
  find_task,
  list_tasks,
  dependents,
  anyone_waits,
  ended_parent,
  find_idempotency,
  bulk,
  events,
  waits_of,
  live_tasks,
  outbox,
  purgeable,
  next_purge,
  drop_task,
  drop_waits_of,
  purge_idempotency,
  drop_key,
  drop_soonest_keys,
  events_after,
  lose_more,
  lose_first,
  report_loss,
  drop_loss,
  losses,
  put_life,
  drop_life,
  lives,
  any_task,
  put_peer,
  peers,
  put_place,
  places,
  known_spec,
  put_spec,
  shared_spec,
  shared_by,
  stop_sharing,
  drop_spec,
  count_,
};

// Parameters are numbered in the order of each statement's columns; ?1 is the sequence number where
// there is one.
const std::string& sql_text(Sql sql);

// Every statement, prepared once.
class OwnerStatements {
 public:
  static Result<OwnerStatements> prepare(const sqlite::Database& database);
  sqlite::Cursor use(Sql sql) const { return statements_[static_cast<std::size_t>(sql)].use(); }

 private:
  std::array<sqlite::Statement, static_cast<std::size_t>(Sql::count_)> statements_;
};

// Largest sequence number: event ids are made of it.
inline constexpr std::uint64_t kMaxSeq = (1ULL << 43) - 1;
inline constexpr std::int64_t kEventsPerSeq = 1 << 20;
inline std::int64_t first_event_id(std::uint64_t seq) {
  return static_cast<std::int64_t>(seq) * kEventsPerSeq;
}
inline std::int64_t spec_id(std::uint64_t seq) { return static_cast<std::int64_t>(seq) * 2; }
inline std::int64_t result_id(std::uint64_t seq) { return spec_id(seq) + 1; }

void bind_task(sqlite::Cursor& cursor, std::uint64_t seq, const lifecycle::OwnerTask& task,
               NodeTime keep_until);

// The columns every task query starts with; what follows them starts at kRowColumns. Values no
// version ever wrote are damage (corrupt). The last one names the spec that the task shares.
inline constexpr int kRowColumns = 28;
inline constexpr int kSharedColumn = kRowColumns - 1;
Result<TaskRow> read_task(const sqlite::Cursor& cursor);
Result<EventRow> read_event(const sqlite::Cursor& cursor);

}  // namespace spillway::store
