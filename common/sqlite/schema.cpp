#include "common/sqlite/schema.h"

#include <algorithm>

namespace spillway::sqlite {
namespace {

Status stamp(const Database& database, const char* pragma, std::int64_t value) {
  return database.execute(
      ("PRAGMA " + std::string(pragma) + " = " + std::to_string(value)).c_str());
}

// Both versions are in one number of the header, so that they change with the tables or not at all.
constexpr std::int64_t kBase = 1 << 16;

Status apply(const Database& database, const Schema& schema, const Migration& migration,
             std::int64_t since) {
  Result<Transaction> transaction = Transaction::begin(database);
  if (!transaction) return std::move(transaction).error();
  if (Status status = database.execute(migration.sql); !status) return status;
  if (Status status = stamp(database, "application_id", schema.application_id); !status) {
    return status;
  }
  const std::int64_t both = since * kBase + migration.version;
  if (Status status = stamp(database, "user_version", both); !status) return status;
  return transaction->commit();
}

}  // namespace

std::int64_t Schema::since() const {
  const auto last = std::find_if(migrations.rbegin(), migrations.rend(),
                                 [](const Migration& migration) { return !migration.additive; });
  return last == migrations.rend() ? 0 : last->version;
}

Result<FileVersion> version_of(const Database& database) {
  Result<std::int64_t> both = database.integer("PRAGMA user_version");
  if (!both) return std::move(both).error();
  FileVersion file{*both % kBase, *both / kBase};
  if (file.since == 0) file.since = file.version;
  return file;
}

Status check_owner(const Database& database, const Schema& schema) {
  Result<std::int64_t> owner = database.integer("PRAGMA application_id");
  if (!owner) return std::move(owner).error();
  Result<FileVersion> file = version_of(database);
  if (!file) return std::move(file).error();
  if (*owner != schema.application_id) {
    return fail(Code::invalid_argument,
                "the store's path names a database of something else: configure another path");
  }
  if (file->since <= schema.version()) return {};
  return fail(Code::unsupported, "the store needs a program that knows schema " +
                                     std::to_string(file->since) + ", this one knows up to " +
                                     std::to_string(schema.version()) +
                                     ": it was used by a newer version; upgrade this one");
}

Status set_since(const Database& database, std::int64_t since) {
  Result<FileVersion> file = version_of(database);
  if (!file) return std::move(file).error();
  if (file->since == since) return {};
  return stamp(database, "user_version", since * kBase + file->version);
}

Status migrate(const Database& database, const Schema& schema) {
  Result<FileVersion> file = version_of(database);
  if (!file) return std::move(file).error();
  for (const Migration& migration : schema.migrations) {
    if (migration.version <= file->version) continue;
    if (!migration.additive) file->since = migration.version;
    if (Status status = apply(database, schema, migration, file->since); !status) return status;
  }
  return {};
}

}  // namespace spillway::sqlite
