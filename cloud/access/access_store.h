#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cloud/access/access_rows.h"
#include "common/sqlite/commit_queue.h"
#include "common/sqlite/database.h"

namespace spillway::cloud::access {

struct AccessRecovered {
  Bytes cursor_key;
  std::vector<TokenRow> tokens;
  std::vector<SessionRow> sessions;
  std::optional<std::string> quarantined;
};

// Tokens, sessions and the audit in one SQLite file, written by a thread of its own.
// Calls come from one thread and do not block; answers come through the poster. A damaged file is
// set aside, and with it everybody's access: the next start prints a new link.
class AccessStore {
 public:
  static constexpr std::uint64_t kAuditKept = 200'000;  // lines

  template <class T>
  using Done = std::function<void(Result<T>)>;
  struct Opened;
  // Blocks on the disk.
  static Result<Opened> open(const std::string& path, sqlite::Poster poster);
  ~AccessStore();

  void put(TokenRow row, Done<void> done);
  void drop_token(const std::string& id, Done<void> done);  // and its sessions
  void used(const std::string& id, Duration at);
  void put(SessionRow row, Done<void> done);
  void drop_session(const Digest& secret, Done<void> done);
  void add(AuditRow row, Done<void> done);
  // Newest first, older than `before`.
  void audit(std::uint64_t before, std::uint32_t limit, Done<std::vector<AuditRow>> done);

 private:
  class File;
  AccessStore(std::unique_ptr<File> file, sqlite::Poster poster);
  void write(std::function<Status(File&)> run, Done<void> done);

  std::unique_ptr<File> file_;
  sqlite::CommitQueue queue_;  // last: its thread uses the file
};

struct AccessStore::Opened {
  std::unique_ptr<AccessStore> store;
  AccessRecovered recovered;
};

}  // namespace spillway::cloud::access
