#pragma once

#include <array>
#include <string>

#include "common/ledger/loss_book.h"
#include "common/sqlite/database.h"

namespace spillway::ledger {

enum class LossSql : std::uint8_t {
  put_produced,
  put_total,
  put_entry,
  add_total,
  add_entry,
  origins,
  entries_of,
  drop_oldest,
  produced,
  totals,
  entries,
  count_,
};
const std::string& sql_text(LossSql sql);

// The tables of what devices reported lost, as plain calls inside the ledger's transactions. A
// device can fill only its own share: the newest periods, of its first stores. One thread.
class LossTables {
 public:
  static Result<LossTables> open(const sqlite::Database& database);

  // Writes; a report that came before, or after a later one, changes nothing.
  Status apply(const std::string& device, const wire::LossReport& report);
  // Adds what was given up here of what was kept for the device; of its total, the count alone
  // counts.
  Status add(const std::string& device, const wire::LossEntry& entry);
  Result<LossBook> book(const std::string& device) const;

 private:
  using Statements = std::array<sqlite::Statement, static_cast<std::size_t>(LossSql::count_)>;
  explicit LossTables(Statements sql) : sql_(std::move(sql)) {}
  sqlite::Cursor use(LossSql sql) const { return sql_[static_cast<std::size_t>(sql)].use(); }
  Status put(const std::string& device, std::int64_t origin, const wire::LossEntry& entry,
             LossSql total_sql, LossSql row_sql);
  Status bound(const std::string& device);

  Statements sql_;
};

}  // namespace spillway::ledger
