#include "common/store/schema.h"

namespace spillway::store {
namespace {

Status stamp(const Database& database, const char* pragma, std::int64_t value) {
  return database.execute(
      ("PRAGMA " + std::string(pragma) + " = " + std::to_string(value)).c_str());
}

Status apply(const Database& database, const Schema& schema, const Migration& migration) {
  Result<Transaction> transaction = Transaction::begin(database);
  if (!transaction) return std::move(transaction).error();
  if (Status status = database.execute(migration.sql); !status) return status;
  if (Status status = stamp(database, "application_id", schema.application_id); !status) {
    return status;
  }
  if (Status status = stamp(database, "user_version", migration.version); !status) return status;
  return transaction->commit();
}

}  // namespace

Status check_owner(const Database& database, const Schema& schema) {
  Result<std::int64_t> owner = database.integer("PRAGMA application_id");
  if (!owner) return std::move(owner).error();
  Result<std::int64_t> version = database.integer("PRAGMA user_version");
  if (!version) return std::move(version).error();
  if (*owner != schema.application_id) {
    return fail(Code::invalid_argument,
                "the store's path names a database of something else: configure another path");
  }
  if (*version <= schema.version()) return {};
  return fail(Code::unsupported, "the store has schema " + std::to_string(*version) +
                                     ", this program knows up to " +
                                     std::to_string(schema.version()) +
                                     ": it was used by a newer version; upgrade this one");
}

Status migrate(const Database& database, const Schema& schema) {
  Result<std::int64_t> version = database.integer("PRAGMA user_version");
  if (!version) return std::move(version).error();
  for (const Migration& migration : schema.migrations) {
    if (migration.version <= *version) continue;
    if (Status status = apply(database, schema, migration); !status) return status;
  }
  return {};
}

}  // namespace spillway::store
