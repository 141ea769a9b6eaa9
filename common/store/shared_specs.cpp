#include "common/store/shared_specs.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/crypto/sha256.h"
#include "common/sqlite/schema.h"

namespace spillway::store {

extern const std::vector<sqlite::Migration> kMigrations;  // made from migrations/*.sql

namespace {

constexpr std::int64_t kSince = 11;  // the migration that brings the table

}  // namespace

Status settle_since(const sqlite::Database& database) {
  Result<std::int64_t> any = database.integer("SELECT EXISTS (SELECT 1 FROM spec)");
  if (!any) return std::move(any).error();
  const std::int64_t without = sqlite::Schema{0, kMigrations}.since();
  return sqlite::set_since(database, *any != 0 ? std::max(kSince, without) : without);
}

Result<std::vector<std::string>> shared_problems(const sqlite::Database& database) {
  Result<sqlite::FileVersion> file = sqlite::version_of(database);
  if (!file) return std::move(file).error();
  const std::string too_old =
      "spec WHERE " + std::to_string(file->since) + " < " + std::to_string(kSince);
  const std::pair<std::string, std::string> all[] = {
      {"tasks that share a spec which is not there",
       "task WHERE shared > 0 AND NOT EXISTS (SELECT 1 FROM spec WHERE id = shared)"},
      {"specs that no task shares",
       "spec WHERE NOT EXISTS (SELECT 1 FROM task WHERE shared = spec.id AND shared > 0)"},
      {"shared specs in a file for versions that do not know of any", too_old}};
  std::vector<std::string> found;
  for (const auto& [what, where] : all) {
    Result<std::int64_t> rows = database.integer("SELECT count(*) FROM " + where);
    if (!rows) return std::move(rows).error();
    if (*rows > 0) found.push_back(what + ": " + std::to_string(*rows));
  }
  return found;
}

Result<sqlite::EncodedBytes> read_shared(const sqlite::Cursor& cursor, int column) {
  const ByteView bytes = cursor.bytes(column), digest = cursor.bytes(column + 1);
  if (!std::ranges::equal(crypto::sha256(bytes), digest)) {
    return fail(Code::corrupt, "a shared spec is not what was written");
  }
  return sqlite::EncodedBytes(std::make_shared<const Bytes>(bytes.begin(), bytes.end()));
}

void SharedSpecs::begin() {
  last_shared_.reset();
  touched_.clear();
}

Result<std::int64_t> SharedSpecs::share(const OwnerStatements& sql, const TaskRow& task) {
  if (task.together.size < 2 || !sqlite::is_bulk(task.spec)) return std::int64_t{0};
  if (last_shared_.lock() == task.spec) return last_id_;
  const Digest digest = crypto::sha256(*task.spec);
  std::int64_t id = static_cast<std::int64_t>(task.seq);
  {
    sqlite::Cursor known = sql.use(Sql::known_spec);
    Result<bool> there = known.bind(1, ByteView(digest)).step();
    if (!there) return std::move(there).error();
    if (*there) id = known.integer(0);
    if (!*there) {
      sqlite::Cursor put = sql.use(Sql::put_spec);
      Status status = put.bind(1, id).bind(2, ByteView(digest)).bind(3, ByteView(*task.spec)).run();
      if (!status) return std::move(status).error();
    }
  }
  touched_.push_back(id);
  hold(id, task.spec);
  last_shared_ = task.spec;
  last_id_ = id;
  return id;
}

void SharedSpecs::left(std::int64_t id) {
  const bool known = std::find(touched_.begin(), touched_.end(), id) != touched_.end();
  if (id > 0 && !known) touched_.push_back(id);
}

Status SharedSpecs::settle(const sqlite::Database& database, const OwnerStatements& sql) {
  if (touched_.empty()) return {};
  for (const std::int64_t id : touched_) {
    sqlite::Cursor drop = sql.use(Sql::drop_spec);
    if (Status status = drop.bind(1, id).run(); !status) return status;
  }
  touched_.clear();
  last_shared_.reset();
  return settle_since(database);
}

Result<sqlite::EncodedBytes> SharedSpecs::read(const OwnerStatements& sql, std::int64_t id) const {
  if (auto known = held_.find(id); known != held_.end()) {
    if (sqlite::EncodedBytes held = known->second.lock()) return held;
  }
  sqlite::Cursor row = sql.use(Sql::shared_spec);
  Result<bool> there = row.bind(1, id).step();
  if (!there) return std::move(there).error();
  if (!*there) return sqlite::EncodedBytes();
  Result<sqlite::EncodedBytes> read = read_shared(row, 0);
  if (read) hold(id, *read);
  return read;
}

void SharedSpecs::hold(std::int64_t id, const sqlite::EncodedBytes& bytes) const {
  std::erase_if(held_, [](const auto& entry) { return entry.second.expired(); });
  held_[id] = bytes;
}

sqlite::EncodedBytes SharedSpecs::same(sqlite::EncodedBytes bytes) const {
  sqlite::EncodedBytes last = last_read_.lock();
  if (last && bytes && *last == *bytes) return last;
  last_read_ = bytes;
  return bytes;
}

}  // namespace spillway::store
