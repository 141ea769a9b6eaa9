#include "common/sqlite/node_file.h"

#include <algorithm>
#include <filesystem>

#include "common/sqlite/disk_plan.h"
#include "common/sqlite/store_file.h"

namespace spillway::sqlite {
namespace {

std::uint64_t size_of_file(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : size;
}

}  // namespace

NodeFile::NodeFile(Database database, Statements statements, NodeRow node, std::string path,
                   SharedMeter meter)
    : database_(std::move(database)),
      sql_(std::move(statements)),
      node_(node),
      committed_(node),
      path_(std::move(path)),
      meter_(meter ? std::move(meter) : std::make_shared<FileMeter>()) {}

Result<NodeFile> NodeFile::open(Database database, std::string path, SharedMeter meter) {
  Result<NodeRow> node = read_node(database);
  if (!node) return std::move(node).error();
  Statements statements;
  const std::pair<Statement*, std::string> all[] = {
      {&statements.begin, "BEGIN IMMEDIATE"},
      {&statements.commit, "COMMIT"},
      {&statements.write_node, write_node_sql()},
      {&statements.page_count, "PRAGMA page_count"},
      {&statements.free_count, "PRAGMA freelist_count"}};
  for (const auto& [statement, sql] : all) {
    Result<Statement> prepared = database.prepare(sql);
    if (!prepared) return std::move(prepared).error();
    *statement = *std::move(prepared);
  }
  NodeFile file(std::move(database), std::move(statements), *node, std::move(path),
                std::move(meter));
  Result<std::uint64_t> used = file.in_use();
  if (!used) return std::move(used).error();
  file.meter_->in_use = *used;
  file.meter_->flash_spent = node->flash;
  return file;
}

namespace {

Result<std::uint64_t> number(Cursor cursor) {
  Result<bool> row = cursor.step();
  if (!row) return std::move(row).error();
  return *row ? cursor.unsigned_integer(0) : 0;
}

}  // namespace

Result<std::uint64_t> NodeFile::in_use() const {
  Result<std::uint64_t> pages = number(sql_.page_count.use());
  if (!pages) return pages;
  Result<std::uint64_t> free = number(sql_.free_count.use());
  if (!free) return free;
  return (*pages - std::min(*pages, *free)) * kPageBytes;
}

// What the last commit wrote is known after it, so the row is one commit behind.
void NodeFile::note_written() {
  noted_written_ = meter_->written;
  const std::uint64_t more = noted_written_ - seen_written_;
  const Duration passed = node_.last_seen - committed_.last_seen;
  node_.written += more;
  node_.flash = leak(node_.flash, passed, meter_->flash_per_day) + more;
}

Status NodeFile::begin() {
  if (damage_) return *damage_;
  return sql_.begin.use().run();
}

Status NodeFile::commit() {
  note_written();
  if (Status status = write_node(sql_.write_node.use(), node_); !status) return status;
  Result<std::uint64_t> used = in_use();
  if (!used) return std::move(used).error();
  if (Status status = sql_.commit.use().run(); !status) return status;
  committed_ = node_;
  seen_written_ = noted_written_;
  meter_->in_use = *used;
  meter_->flash_spent = node_.flash;
  return {};
}

void NodeFile::rollback() {
  // SQLite has already undone the transaction after some errors.
  if (database_.in_transaction()) static_cast<void>(database_.execute("ROLLBACK").ok());
  node_ = committed_;
}

void NodeFile::failed(const Error& error) {
  if (error.code != Code::corrupt || damage_) return;
  damage_ = error;
  mark_damaged(path_);
}

void NodeFile::seen(NodeTime now, Duration wall, std::uint64_t session) {
  node_.last_seen = std::max(node_.last_seen, now);
  if (wall.count() != 0) node_.wall = wall;
  if (session != 0) node_.session = session;
}

Result<bool> NodeFile::shrink() {
  // Pages given back are soon asked for again, so only a real surplus is worth the writing.
  constexpr std::uint64_t kSurplusPages = 256;
  Result<std::uint64_t> free = number(sql_.free_count.use());
  if (!free) return std::move(free).error();
  Result<std::uint64_t> pages = number(sql_.page_count.use());
  if (!pages) return std::move(pages).error();
  if (*free < kSurplusPages || *free < *pages / 4) return false;
  if (Status status = database_.execute("PRAGMA incremental_vacuum(256)"); !status) {
    return std::move(status).error();
  }
  return true;
}

StoreCounts NodeFile::counts() const {
  StoreCounts counts;
  std::copy(node_.counts.begin(), node_.counts.end(), counts.by_state);
  return counts;
}

Result<StoreReport> NodeFile::report(bool deep, const std::string& table) const {
  Result<std::int64_t> free = database_.integer("PRAGMA freelist_count");
  if (!free) return std::move(free).error();
  Result<FileVersion> schema = version_of(database_);
  if (!schema) return std::move(schema).error();
  StoreReport report;
  report.counts = counts();
  report.file_bytes = size_of_file(path_) + size_of_file(path_ + "-wal");
  report.free_bytes = static_cast<std::uint64_t>(*free) * kPageBytes;
  report.schema = static_cast<std::uint32_t>(schema->version);
  if (!deep) return report;
  Result<std::vector<std::string>> found = problems(table);
  if (!found) return std::move(found).error();
  report.problems = *std::move(found);
  return report;
}

Result<std::vector<std::string>> NodeFile::problems(const std::string& table) const {
  Result<Statement> check = database_.prepare("PRAGMA integrity_check(20)");
  if (!check) return std::move(check).error();
  std::vector<std::string> found;
  Cursor cursor = check->use();
  for (;;) {
    Result<bool> row = cursor.step();
    if (!row) return std::move(row).error();
    if (!*row) break;
    if (cursor.text(0) != "ok") found.emplace_back(cursor.text(0));
  }
  for (std::size_t state = 0; state < node_.counts.size(); ++state) {
    const std::string where = table + " WHERE state = " + std::to_string(state);
    Result<std::int64_t> rows = database_.integer("SELECT count(*) FROM " + where);
    if (!rows) return std::move(rows).error();
    if (static_cast<std::uint64_t>(*rows) == node_.counts[state]) continue;
    found.push_back(where + ": " + std::to_string(*rows) + " rows, " +
                    std::to_string(node_.counts[state]) + " counted");
  }
  return found;
}

}  // namespace spillway::sqlite
