#include "cloud/access/access_store.h"

#include "common/crypto/mac.h"
#include "common/sqlite/store_file.h"

namespace spillway::cloud::access {

extern const std::vector<sqlite::Migration> kMigrations;  // made from migrations/*.sql

namespace {

constexpr std::int64_t kApplication = 0x53505741;  // "SPWA"

Status found(const sqlite::Database& fresh) {
  Result<sqlite::Statement> insert =
      fresh.prepare("INSERT INTO secret (name, bytes) VALUES ('cursor', ?1)");
  if (!insert) return std::move(insert).error();
  Bytes key = crypto::random_bytes(32);
  sqlite::Cursor cursor = insert->use();
  cursor.bind(1, ByteView(key));
  return cursor.run();
}

void bind_optional(sqlite::Cursor& cursor, int at, std::optional<Duration> time) {
  time ? cursor.bind(at, std::int64_t(time->count())) : cursor.bind_null(at);
}

std::optional<Duration> read_optional(const sqlite::Cursor& cursor, int column) {
  if (cursor.is_null(column)) return std::nullopt;
  return Duration(cursor.integer(column));
}

// A scope that is none gives the least.
Scope scope_of(std::int64_t number) {
  return number == 1 ? Scope::operate : number == 2 ? Scope::admin : Scope::read;
}

Digest digest_of(ByteView bytes) {
  Digest digest{};
  if (bytes.size() == digest.size()) std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

}  // namespace

// The tables as plain calls. The queue's thread only, after open.
class AccessStore::File final : public sqlite::Committer {
 public:
  File(sqlite::Database database, std::string path)
      : database_(std::move(database)), path_(std::move(path)) {}

  Status begin() override { return database_.execute("BEGIN IMMEDIATE"); }
  Status commit() override { return database_.execute("COMMIT"); }
  void rollback() override {
    if (database_.in_transaction()) (void)database_.execute("ROLLBACK");
  }
  void failed(const Error& error) override {
    if (error.code == Code::corrupt) sqlite::mark_damaged(path_);
  }

  // Runs one statement; `bind` binds its parameters.
  Status run(std::string_view sql, const std::function<void(sqlite::Cursor&)>& bind) const {
    return each(sql, bind, [](const sqlite::Cursor&) {});
  }
  Status each(std::string_view sql, const std::function<void(sqlite::Cursor&)>& bind,
              const std::function<void(const sqlite::Cursor&)>& row) const {
    Result<sqlite::Statement> statement = database_.prepare(sql);
    if (!statement) return std::move(statement).error();
    sqlite::Cursor cursor = statement->use();
    bind(cursor);
    for (;;) {
      Result<bool> more = cursor.step();
      if (!more) return std::move(more).error();
      if (!*more) return {};
      row(cursor);
    }
  }
  Result<AccessRecovered> recover() const;

 private:
  sqlite::Database database_;
  std::string path_;
};

Result<AccessRecovered> AccessStore::File::recover() const {
  AccessRecovered found;
  const auto nothing = [](sqlite::Cursor&) {};
  Status read = each("SELECT bytes FROM secret WHERE name = 'cursor'", nothing,
                     [&](const sqlite::Cursor& row) {
                       ByteView bytes = row.bytes(0);
                       found.cursor_key.assign(bytes.begin(), bytes.end());
                     });
  if (read) {
    read = each("SELECT id, name, scope, secret, created, expires, last_used FROM token", nothing,
                [&](const sqlite::Cursor& row) {
                  found.tokens.push_back({std::string(row.text(0)), std::string(row.text(1)),
                                          scope_of(row.integer(2)), digest_of(row.bytes(3)),
                                          Duration(row.integer(4)), read_optional(row, 5),
                                          read_optional(row, 6)});
                });
  }
  if (read) {
    read = each("SELECT secret, name, scope, token, csrf, created, expires, peer FROM session",
                nothing, [&](const sqlite::Cursor& row) {
                  found.sessions.push_back({digest_of(row.bytes(0)), std::string(row.text(1)),
                                            scope_of(row.integer(2)), std::string(row.text(3)),
                                            std::string(row.text(4)), Duration(row.integer(5)),
                                            Duration(row.integer(6)), std::string(row.text(7))});
                });
  }
  if (!read) return std::move(read).error();
  if (found.cursor_key.size() != 32) {
    return fail(Code::corrupt, path_ + ": the cursors' key is missing");
  }
  return found;
}

AccessStore::AccessStore(std::unique_ptr<File> file, sqlite::Poster poster)
    : file_(std::move(file)), queue_(*file_, std::move(poster), {}) {}

AccessStore::~AccessStore() = default;

Result<AccessStore::Opened> AccessStore::open(const std::string& path, sqlite::Poster poster) {
  std::unique_ptr<File> file;
  AccessRecovered recovered;
  sqlite::FileKind kind;
  kind.schema = sqlite::Schema{kApplication, kMigrations};
  kind.found = found;
  kind.recover = [&](sqlite::Database database) -> Status {
    auto opened = std::make_unique<File>(std::move(database), path);
    Result<AccessRecovered> read = opened->recover();
    if (!read) return std::move(read).error();
    file = std::move(opened);
    recovered = *std::move(read);
    return {};
  };
  Result<sqlite::OpenedFile> opened = sqlite::open_file(path, kind, {});
  if (!opened) return std::move(opened).error();
  recovered.quarantined = opened->quarantined;
  return Opened{std::unique_ptr<AccessStore>(new AccessStore(std::move(file), std::move(poster))),
                std::move(recovered)};
}

void AccessStore::write(std::function<Status(File&)> run, Done<void> done) {
  queue_.write<void>([this, run = std::move(run)] { return run(*file_); }, std::move(done));
}

void AccessStore::put(TokenRow row, Done<void> done) {
  write(
      [row = std::move(row)](File& file) {
        return file.run(
            "INSERT INTO token (id, name, scope, secret, created, expires, last_used) VALUES (?1, "
            "?2, ?3, ?4, ?5, ?6, ?7)",
            [&](sqlite::Cursor& cursor) {
              cursor.bind(1, std::string_view(row.id))
                  .bind(2, std::string_view(row.name))
                  .bind(3, std::int64_t(row.scope))
                  .bind(4, ByteView(row.secret))
                  .bind(5, std::int64_t(row.created.count()));
              bind_optional(cursor, 6, row.expires);
              bind_optional(cursor, 7, row.last_used);
            });
      },
      std::move(done));
}

void AccessStore::drop_token(const std::string& id, Done<void> done) {
  write(
      [id](File& file) -> Status {
        auto bind = [&](sqlite::Cursor& cursor) { cursor.bind(1, std::string_view(id)); };
        if (Status sessions = file.run("DELETE FROM session WHERE token = ?1", bind); !sessions) {
          return sessions;
        }
        return file.run("DELETE FROM token WHERE id = ?1", bind);
      },
      std::move(done));
}

void AccessStore::used(const std::string& id, Duration at) {
  write(
      [id, at](File& file) {
        return file.run("UPDATE token SET last_used = ?2 WHERE id = ?1",
                        [&](sqlite::Cursor& cursor) {
                          cursor.bind(1, std::string_view(id)).bind(2, std::int64_t(at.count()));
                        });
      },
      nullptr);
}

void AccessStore::put(SessionRow row, Done<void> done) {
  write(
      [row = std::move(row)](File& file) {
        return file.run(
            "INSERT INTO session (secret, name, scope, token, csrf, created, expires, peer) VALUES "
            "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            [&](sqlite::Cursor& cursor) {
              cursor.bind(1, ByteView(row.secret))
                  .bind(2, std::string_view(row.name))
                  .bind(3, std::int64_t(row.scope))
                  .bind(4, std::string_view(row.token))
                  .bind(5, std::string_view(row.csrf))
                  .bind(6, std::int64_t(row.created.count()))
                  .bind(7, std::int64_t(row.expires.count()))
                  .bind(8, std::string_view(row.peer));
            });
      },
      std::move(done));
}

void AccessStore::drop_session(const Digest& secret, Done<void> done) {
  write(
      [secret](File& file) {
        return file.run("DELETE FROM session WHERE secret = ?1",
                        [&](sqlite::Cursor& cursor) { cursor.bind(1, ByteView(secret)); });
      },
      std::move(done));
}

void AccessStore::add(AuditRow row, Done<void> done) {
  write(
      [row = std::move(row)](File& file) -> Status {
        Status added = file.run(
            "INSERT INTO audit (at, who, peer, operation, target, status, request, token, session, "
            "unwritten) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            [&](sqlite::Cursor& cursor) {
              cursor.bind(1, std::int64_t(row.at.count()))
                  .bind(2, std::string_view(row.who))
                  .bind(3, std::string_view(row.from))
                  .bind(4, std::string_view(row.operation))
                  .bind(5, std::string_view(row.target))
                  .bind(6, std::int64_t(row.status))
                  .bind(7, std::string_view(row.request))
                  .bind(8, std::string_view(row.token))
                  .bind(9, std::string_view(row.session))
                  .bind(10, std::int64_t(row.unwritten));
            });
        if (!added) return added;
        return file.run("DELETE FROM audit WHERE seq <= (SELECT max(seq) FROM audit) - ?1",
                        [](sqlite::Cursor& cursor) { cursor.bind(1, std::int64_t(kAuditKept)); });
      },
      std::move(done));
}

void AccessStore::audit(std::uint64_t before, std::uint32_t limit,
                        Done<std::vector<AuditRow>> done) {
  queue_.read<std::vector<AuditRow>>(
      [this, before, limit]() -> Result<std::vector<AuditRow>> {
        std::vector<AuditRow> rows;
        Status read = file_->each(
            "SELECT seq, at, who, peer, operation, target, status, request, token, session, "
            "unwritten FROM audit WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2",
            [&](sqlite::Cursor& cursor) {
              cursor.bind(1, std::int64_t(std::min<std::uint64_t>(before, INT64_MAX)))
                  .bind(2, std::int64_t(limit));
            },
            [&](const sqlite::Cursor& row) {
              rows.push_back(
                  {row.unsigned_integer(0), Duration(row.integer(1)), std::string(row.text(2)),
                   std::string(row.text(3)), std::string(row.text(4)), std::string(row.text(5)),
                   unsigned(row.integer(6)), std::string(row.text(7)), std::string(row.text(8)),
                   std::string(row.text(9)), row.unsigned_integer(10)});
            });
        if (!read) return std::move(read).error();
        return rows;
      },
      std::move(done));
}

}  // namespace spillway::cloud::access
