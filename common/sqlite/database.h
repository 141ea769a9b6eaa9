#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "spillway/bytes.h"
#include "spillway/status.h"

struct sqlite3;
struct sqlite3_stmt;

// SQLite as values that clean up after themselves. Nothing else includes sqlite3.h. A database and
// all that came from it are used by one thread at a time.
namespace spillway::sqlite {

class Statement;

// One run of a prepared statement: bind, step, read columns. Parameters count from 1, columns from
// 0. Bound text and bytes must outlive the run. Resets the statement when it goes.
class Cursor {
 public:
  explicit Cursor(sqlite3_stmt* statement) : statement_(statement) {}
  Cursor(Cursor&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  ~Cursor();

  Cursor& bind(int at, std::int64_t value);
  Cursor& bind(int at, std::string_view text);
  Cursor& bind(int at, ByteView bytes);
  // Binds bytes that do not outlive the call.
  Cursor& bind_copy(int at, ByteView bytes);
  Cursor& bind_null(int at);
  // Copies a column of another run as it is.
  Cursor& bind_column(int at, const Cursor& from, int column);

  // True when there is a row. A binding that failed is reported here.
  Result<bool> step();
  // Steps a statement that returns no rows.
  Status run();

  std::int64_t integer(int column) const;
  std::uint64_t unsigned_integer(int column) const;
  bool is_null(int column) const;
  // Valid until the next step.
  std::string_view text(int column) const;
  ByteView bytes(int column) const;

 private:
  void note(int code) { bind_error_ = bind_error_ != 0 ? bind_error_ : code; }
  sqlite3_stmt* statement_;
  int bind_error_ = 0;
};

// A prepared statement; one Cursor of it at a time.
class Statement {
 public:
  Statement() = default;
  explicit operator bool() const { return handle_ != nullptr; }
  Cursor use() const { return Cursor(handle_.get()); }

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

// One connection. Errors are SQLite's, in words that say what to do: busy (another process has it
// open, or there is no space), denied, io, corrupt, conflict (a constraint), invalid_argument (a
// value is too large), internal (a statement that SQLite does not understand).
class Database {
 public:
  // Opens the file, which must exist unless `create`. Nothing is read from it yet. Metered when
  // meter_files() was told so.
  static Result<Database> open(const std::string& path, bool create);

  Result<Statement> prepare(std::string_view sql) const;
  // Runs statements without parameters and ignores their rows.
  Status execute(const char* sql) const;
  // The first column of the first row; not_found when there is no row.
  Result<std::int64_t> integer(std::string_view sql) const;
  Result<std::string> text(std::string_view sql) const;

  std::int64_t changes() const;  // rows the last INSERT, UPDATE or DELETE changed
  std::int64_t last_rowid() const;
  bool in_transaction() const;
  // Gives back the memory of pages that were read; the next reads cost more.
  void forget_pages() const;
  // Keeps this connection from writing back into the file when it closes.
  void leave_log_alone() const;

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  explicit Database(sqlite3* handle) : handle_(handle) {}
  std::unique_ptr<sqlite3, Close> handle_;
};

// A transaction that holds the write lock and is undone unless committed.
class Transaction {
 public:
  static Result<Transaction> begin(const Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  Status commit();

 private:
  explicit Transaction(const Database& database) : database_(&database) {}
  const Database* database_;
};

}  // namespace spillway::sqlite
