#include "common/sqlite/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>

#include "common/sqlite/file_meter.h"

namespace spillway::sqlite {
namespace {

constexpr std::chrono::milliseconds kRetryAfter{1000};

Error error_with(Code code, std::string message) {
  Error error = fail(code, std::move(message));
  if (code == Code::busy) error.retry_after = kRetryAfter;
  return error;
}

// The file's limits (quota, RLIMIT_FSIZE) reach SQLite as plain write errors.
bool is_out_of_space(int primary, int system_error) {
  return primary == SQLITE_FULL ||
         (primary == SQLITE_IOERR &&
          (system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG));
}

// A null pointer would bind NULL, which is not the same as no bytes.
int bind_blob(sqlite3_stmt* statement, int at, ByteView bytes, sqlite3_destructor_type lives) {
  const void* data = bytes.empty() ? "" : static_cast<const void*>(bytes.data());
  return sqlite3_bind_blob64(statement, at, data, bytes.size(), lives);
}

Error describe(int code, int system_error, const std::string& path, const char* detail) {
  const int primary = code & 0xff;
  if (is_out_of_space(primary, system_error)) {
    return error_with(Code::busy, path +
                                      ": no space left: free some on that file system; nothing "
                                      "stored was lost");
  }
  const std::string tail =
      std::string(" (") + detail + ", SQLite code " + std::to_string(code) + ")";
  switch (primary) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return error_with(Code::busy, path + ": another process has it open: stop that one first");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return error_with(Code::denied, path +
                                          ": cannot be written: check the permissions of the "
                                          "file and its folder, and that the file system is not "
                                          "mounted read-only" +
                                          tail);
    case SQLITE_CANTOPEN:
      return error_with(system_error == EACCES || system_error == EROFS ? Code::denied : Code::io,
                        path +
                            ": cannot be opened: check that its folder exists and may be "
                            "written" +
                            tail);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return error_with(Code::corrupt, path +
                                           ": is damaged: it is set aside and what can be read is "
                                           "carried over at the next start" +
                                           tail);
    case SQLITE_CONSTRAINT: return error_with(Code::conflict, path + ": conflicting row" + tail);
    case SQLITE_TOOBIG:
      return error_with(Code::invalid_argument, path + ": value too large" + tail);
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_NOLFS:
    case SQLITE_PROTOCOL:
      return error_with(Code::io, path +
                                      ": the system failed to read or write it: check the disk and "
                                      "the kernel's log" +
                                      tail);
    default: return error_with(Code::internal, path + tail);
  }
}

// What the system said last about the database or its log; SQLite's own answer to this reads errno
// too late.
int system_error_of(sqlite3* database) {
  for (const int which : {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER}) {
    sqlite3_file* file = nullptr;
    int error = 0;
    sqlite3_file_control(database, "main", which, &file);
    if (file == nullptr || file->pMethods == nullptr) continue;
    file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error);
    if (error != 0) return error;
  }
  return 0;
}

// Why a file could not be opened at all, as far as its folder tells.
int folder_error(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  return ::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

Error last_error(sqlite3* database, int code) {
  const char* path = sqlite3_db_filename(database, "main");
  return describe(code, system_error_of(database), path != nullptr ? path : "store",
                  sqlite3_errmsg(database));
}

Status status_of(sqlite3* database, int code) {
  if (code == SQLITE_OK) return {};
  return last_error(database, sqlite3_extended_errcode(database));
}

}  // namespace

Cursor::~Cursor() {
  if (statement_ != nullptr) sqlite3_reset(statement_);
}

Cursor& Cursor::bind(int at, std::int64_t value) {
  note(sqlite3_bind_int64(statement_, at, value));
  return *this;
}

Cursor& Cursor::bind(int at, std::string_view text) {
  note(sqlite3_bind_text64(statement_, at, text.empty() ? "" : text.data(), text.size(),
                           SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Cursor& Cursor::bind(int at, ByteView bytes) {
  note(bind_blob(statement_, at, bytes, SQLITE_STATIC));
  return *this;
}

Cursor& Cursor::bind_copy(int at, ByteView bytes) {
  note(bind_blob(statement_, at, bytes, SQLITE_TRANSIENT));
  return *this;
}

Cursor& Cursor::bind_null(int at) {
  note(sqlite3_bind_null(statement_, at));
  return *this;
}

Cursor& Cursor::bind_column(int at, const Cursor& from, int column) {
  note(sqlite3_bind_value(statement_, at, sqlite3_column_value(from.statement_, column)));
  return *this;
}

Result<bool> Cursor::step() {
  sqlite3* database = sqlite3_db_handle(statement_);
  if (bind_error_ != SQLITE_OK) return last_error(database, bind_error_);
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return last_error(database, sqlite3_extended_errcode(database));
}

Status Cursor::run() {
  Result<bool> row = step();
  if (!row) return std::move(row).error();
  return {};
}

std::int64_t Cursor::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::uint64_t Cursor::unsigned_integer(int column) const {
  return static_cast<std::uint64_t>(integer(column));
}

bool Cursor::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::string_view Cursor::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  const int size = sqlite3_column_bytes(statement_, column);
  return data == nullptr ? std::string_view()
                         : std::string_view(data, static_cast<std::size_t>(size));
}

ByteView Cursor::bytes(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  const int size = sqlite3_column_bytes(statement_, column);
  return data == nullptr ? ByteView() : ByteView(data, static_cast<std::size_t>(size));
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void Database::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

Result<Database> Database::open(const std::string& path, bool create) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, metered_vfs());
  if (handle == nullptr) return describe(SQLITE_NOMEM, 0, path, "no memory");
  Database database(handle);
  if (code != SQLITE_OK) {
    return describe(code, folder_error(path), path, sqlite3_errmsg(handle));
  }
  // Without leave to write, SQLite opens the file for reading and says nothing.
  if (sqlite3_db_readonly(handle, "main") == 1)
    return describe(SQLITE_READONLY, 0, path, "read-only");
  return database;
}

Result<Statement> Database::prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (Status status = status_of(handle_.get(), code); !status) return std::move(status).error();
  return Statement(statement);
}

Status Database::execute(const char* sql) const {
  return status_of(handle_.get(), sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr));
}

Result<std::int64_t> Database::integer(std::string_view sql) const {
  Result<std::string> value = text(sql);
  if (!value) return std::move(value).error();
  return static_cast<std::int64_t>(std::strtoll(value->c_str(), nullptr, 10));
}

Result<std::string> Database::text(std::string_view sql) const {
  Result<Statement> statement = prepare(sql);
  if (!statement) return std::move(statement).error();
  Cursor cursor = statement->use();
  Result<bool> row = cursor.step();
  if (!row) return std::move(row).error();
  if (!*row) return fail(Code::not_found, "no row");
  return std::string(cursor.text(0));
}

std::int64_t Database::changes() const { return sqlite3_changes64(handle_.get()); }

std::int64_t Database::last_rowid() const { return sqlite3_last_insert_rowid(handle_.get()); }

void Database::forget_pages() const { sqlite3_db_release_memory(handle_.get()); }

bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }

void Database::leave_log_alone() const {
  sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

Result<Transaction> Transaction::begin(const Database& database) {
  if (Status status = database.execute("BEGIN IMMEDIATE"); !status)
    return std::move(status).error();
  return Transaction(database);
}

Transaction::~Transaction() {
  // SQLite has already undone the transaction after some errors.
  if (database_ != nullptr && database_->in_transaction()) {
    static_cast<void>(database_->execute("ROLLBACK").ok());
  }
}

Status Transaction::commit() {
  Status status = database_->execute("COMMIT");
  if (status) database_ = nullptr;
  return status;
}

}  // namespace spillway::sqlite
