#include "common/sqlite/store_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/sqlite/disk_plan.h"
#include "common/sqlite/log_file.h"

namespace spillway::sqlite {
namespace {

namespace fs = std::filesystem;

struct Setting {
  const char* name;
  const char* value;
  const char* reads;  // what the pragma answers when it is in force
};

// Fixed when a file is made.
constexpr Setting kShape[] = {
    {"page_size", "4096", "4096"},
    {"auto_vacuum", "INCREMENTAL", "2"},
};

// The exclusive lock keeps a second process out and the log's index in memory; FULL makes a commit
// survive a power cut; the limit lets the log shrink after a burst; Debian's SQLite would overwrite
// deleted rows with zeros, which doubles what a delete writes.
constexpr Setting kLock = {"locking_mode", "EXCLUSIVE", "exclusive"};
constexpr Setting kSettings[] = {
    {"journal_mode", "WAL", "wal"}, {"synchronous", "FULL", "2"},  {"mmap_size", "0", "0"},
    {"temp_store", "MEMORY", "2"},  {"secure_delete", "OFF", "0"}, {"cell_size_check", "ON", "1"},
    {"trusted_schema", "OFF", "0"},
};

Status set(const Database& database, const std::string& name, const std::string& value,
           const std::string& reads) {
  const std::string pragma = "PRAGMA " + name;
  if (Status status = database.execute((pragma + " = " + value).c_str()); !status) return status;
  Result<std::string> answer = database.text(pragma);
  if (!answer) return std::move(answer).error();
  if (*answer == reads) return {};
  return fail(Code::io, "the store's setting " + name + " is " + *answer + ", not " + reads +
                            ": its file system may not support it");
}

Status set(const Database& database, const Setting& setting) {
  return set(database, setting.name, setting.value, setting.reads);
}

// The log is written back early enough, and the file stays small enough, for both to fit.
Status divide_disk(const Database& database, std::uint64_t disk) {
  const DiskPlan plan = plan_disk(disk == 0 ? ~0ULL : disk);
  const std::string frames = std::to_string(plan.checkpoint);
  const std::string kept = std::to_string(plan.checkpoint * kPageBytes);
  if (Status status = set(database, "wal_autocheckpoint", frames, frames); !status) return status;
  if (Status status = set(database, "journal_size_limit", kept, kept); !status) return status;
  if (disk == 0) return {};
  const std::string pages = std::to_string(plan.file / kPageBytes);
  return database.execute(("PRAGMA max_page_count = " + pages).c_str());
}

Status configure(const Database& database, const FileOptions& options) {
  for (const Setting& setting : kSettings) {
    if (Status status = set(database, setting); !status) return status;
  }
  const std::string cache = "-" + std::to_string(options.cache_kib);
  if (Status status = set(database, "cache_size", cache, cache); !status) return status;
  return divide_disk(database, options.disk);
}

// A file of ours that does not have the shape it was made with is damaged.
Status check_shape(const Database& database) {
  for (const Setting& setting : kShape) {
    Result<std::string> answer = database.text("PRAGMA " + std::string(setting.name));
    if (!answer) return std::move(answer).error();
    if (*answer == setting.reads) continue;
    return fail(Code::corrupt, std::string("the store's ") + setting.name + " is " + *answer);
  }
  return {};
}

Error system_error(const std::string& what, const std::error_code& error) {
  const bool denied =
      error == std::errc::permission_denied || error == std::errc::read_only_file_system;
  return fail(denied ? Code::denied : Code::io, what + ": " + error.message());
}

int open_folder_of(const std::string& path) {
  fs::path folder = fs::path(path).parent_path();
  if (folder.empty()) folder = ".";
  return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

// One process at a time makes, salvages and moves the files of a folder: what another process is at
// would look like what a power cut left. Whoever comes second waits, and then finds the file in
// use. Where a file system has no such locks, nothing is kept apart.
class Turn {
 public:
  explicit Turn(const std::string& path) : fd_(open_folder_of(path)) {
    while (fd_ >= 0 && ::flock(fd_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~Turn() {
    if (fd_ >= 0) ::close(fd_);
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  const int fd_;
};

Status sync_folder(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  const int fd = open_folder_of(path);
  if (fd < 0) return system_error(folder, std::error_code(errno, std::generic_category()));
  const int synced = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  if (synced != 0) return system_error(folder, std::error_code(error, std::generic_category()));
  return {};
}

Status rename(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) return system_error("cannot rename " + from + " to " + to, error);
  return sync_folder(to);
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// What SQLite would take for a database, however damaged; any other it takes for nobody's.
bool begins_as_database(const std::string& path) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  constexpr std::size_t kLeast = 512;  // bytes of the smallest page
  std::array<char, kLeast> bytes{};
  std::ifstream file(path, std::ios::binary);
  return file.read(bytes.data(), kLeast) && std::string_view(bytes.data(), 16) == kMagic;
}

std::string damage_mark(const std::string& path) { return path + ".damaged"; }
std::string unfinished(const std::string& path) { return path + ".new"; }
std::string replacement(const std::string& path) { return path + ".replacement"; }
constexpr const char* kSetAside = ".damaged-";  // and when
constexpr const char* kSuffixes[] = {"-wal", "-shm", "-journal", ""};

void remove_all(const std::string& path) {
  std::error_code ignored;
  for (const char* suffix : kSuffixes) fs::remove(path + suffix, ignored);
}

std::string quarantine_name(const std::string& path) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  const std::string base = path + kSetAside + std::to_string(seconds);
  std::string name = base;
  // Without a clock every start happens in the same second of 1970.
  for (int n = 2; exists(name); ++n) name = base + "-" + std::to_string(n);
  return name;
}

// The database goes last: while it is in its place, the next start finds the work unfinished. A log
// without its database must go too, or it would be replayed into the next one.
Result<std::optional<std::string>> set_aside(const std::string& path) {
  const std::string name = quarantine_name(path);
  bool any = false;
  for (const char* suffix : kSuffixes) {
    if (!exists(path + suffix)) continue;
    if (Status status = rename(path + suffix, name + suffix); !status) {
      return std::move(status).error();
    }
    any = true;
  }
  return any ? std::optional(name) : std::nullopt;
}

Result<std::optional<std::string>> move_into_place(const std::string& path) {
  Result<std::optional<std::string>> aside = set_aside(path);
  if (!aside) return aside;
  std::error_code ignored;
  fs::remove(damage_mark(path), ignored);
  if (Status status = rename(replacement(path), path); !status) return std::move(status).error();
  return aside;
}

Result<Database> make(const std::string& name, const FileKind& kind, const FileOptions& options) {
  remove_all(name);
  Result<Database> database = Database::open(name, true);
  if (!database) return database;
  if (Status status = set(*database, kLock); !status) return std::move(status).error();
  for (const Setting& setting : kShape) {
    if (Status status = set(*database, setting); !status) return std::move(status).error();
  }
  if (Status status = configure(*database, options); !status) return std::move(status).error();
  if (Status status = migrate(*database, kind.schema); !status) return std::move(status).error();
  return database;
}

// The log's content must be in the file before the file is renamed away from it.
Status fold_log(const Database& database) {
  Result<std::int64_t> busy = database.integer("PRAGMA wal_checkpoint(TRUNCATE)");
  if (!busy) return std::move(busy).error();
  if (*busy != 0) return fail(Code::io, "the new store's log cannot be written back");
  return {};
}

// Errors are those of the new file; what the damaged one does not give is left out.
Result<std::uint64_t> read_damaged(const std::string& path, const FileKind& kind,
                                   const Database& fresh) {
  constexpr std::uint64_t kNothing = 0;
  Result<Database> damaged = Database::open(path, false);
  if (!damaged) return kNothing;
  // Evidence is not written to: no checkpoint, and no lock file beside it.
  damaged->leave_log_alone();
  if (!set(*damaged, kLock)) return kNothing;
  Result<FileVersion> file = version_of(*damaged);
  // In use by another process, which must not have its file taken away.
  if (!file && file.error().code == Code::busy) return std::move(file).error();
  // A younger file lacks what the migrations since would have added, and nothing else.
  if (!file || file->version < kind.schema.since()) return kNothing;
  if (file->since > kind.schema.version()) return kNothing;
  return kind.salvage(*damaged, fresh);
}

// Takes the pages of a file whose first one is lost, and is in the log. The others are as they
// were.
Status take_pages(const std::string& path, const std::string& name) {
  std::array<char, kPageBytes> first{};
  std::fstream to(name, std::ios::binary | std::ios::in | std::ios::out);
  if (!to.read(first.data(), first.size())) return fail(Code::io, "cannot read " + name);
  to.close();
  std::error_code error;
  fs::copy_file(path, name, fs::copy_options::overwrite_existing, error);
  if (error) return system_error("cannot copy " + path, error);
  to.open(name, std::ios::binary | std::ios::in | std::ios::out);
  to.write(first.data(), first.size());
  to.close();
  return to ? Status() : Status(fail(Code::io, "cannot write " + name));
}

// SQLite deletes the log beside a file that it does not take for a database. So that log is read
// beside a stand-in: an empty store with as many pages as there were. What the log does not hold
// reads as damage.
Status stand_in(const std::string& path, const std::string& name, const FileKind& kind,
                const FileOptions& options) {
  FileOptions small = options;
  small.meter = nullptr;
  {
    Result<Database> database = make(name, kind, small);
    if (!database) return std::move(database).error();
    if (Status status = fold_log(*database); !status) return status;
  }
  std::error_code error;
  fs::remove(name + "-wal", error);
  fs::copy_file(path + "-wal", name + "-wal", error);
  if (error) return system_error("cannot copy " + path + "-wal", error);
  const LogPages log = pages_of_log(path + "-wal");
  if (log.has_first && fs::file_size(path, error) >= kPageBytes) {
    if (Status status = take_pages(path, name); !status) return status;
  }
  const std::uint64_t bytes = log.pages * kPageBytes;
  if (fs::file_size(name, error) < bytes) fs::resize_file(name, bytes, error);
  return error ? Status(system_error("cannot lengthen " + name, error)) : Status();
}

Result<std::uint64_t> carry_over(const std::string& path, const FileKind& kind,
                                 const FileOptions& options, const Database& fresh) {
  if (begins_as_database(path)) return read_damaged(path, kind, fresh);
  if (!exists(path + "-wal")) return std::uint64_t{0};
  const std::string name = path + ".salvage";
  Result<std::uint64_t> carried = std::uint64_t{0};
  if (stand_in(path, name, kind, options)) carried = read_damaged(name, kind, fresh);
  remove_all(name);
  return carried;
}

// A whole new file under the replacement's name.
Result<std::uint64_t> build_replacement(const std::string& path, const FileKind& kind,
                                        const FileOptions& options) {
  const std::string name = unfinished(path);
  const bool damaged = exists(path) || exists(path + "-wal");
  std::uint64_t salvaged = 0;
  if (damaged) {
    Result<Database> database = make(name, kind, options);
    if (!database) return std::move(database).error();
    Result<std::uint64_t> carried = carry_over(path, kind, options, *database);
    if (!carried) return carried;
    if (*carried > 0) {
      if (Status status = kind.note_damage(*database); !status) return std::move(status).error();
    }
    if (Status status = fold_log(*database); !status) return std::move(status).error();
    salvaged = *carried;
  }
  if (salvaged == 0) {
    Result<Database> database = make(name, kind, options);
    if (!database) return std::move(database).error();
    if (Status status = kind.found(*database); !status) return std::move(status).error();
    if (damaged) {
      if (Status status = kind.note_damage(*database); !status) return std::move(status).error();
    }
    if (Status status = fold_log(*database); !status) return std::move(status).error();
  }
  if (Status status = rename(name, replacement(path)); !status) return std::move(status).error();
  return salvaged;
}

Status prepare(const Database& database, const FileKind& kind, const FileOptions& options) {
  if (Status status = set(database, kLock); !status) return status;
  if (Status status = check_owner(database, kind.schema); !status) return status;
  if (Status status = check_shape(database); !status) return status;
  if (Status status = configure(database, options); !status) return status;
  return migrate(database, kind.schema);
}

// The statements run at open are known to be right: when SQLite does not understand one, it is the
// file's own description of its tables that is not.
Error take_for_damage(Error error) {
  if (error.code == Code::internal) error.code = Code::corrupt;
  return error;
}

Result<OpenedFile> open_existing(const std::string& path, const FileKind& kind,
                                 const FileOptions& options) {
  if (exists(damage_mark(path))) return fail(Code::corrupt, path + ": damage was found in use");
  // Files come into their place whole, so one that is empty or begins otherwise was damaged.
  if (!begins_as_database(path))
    return fail(Code::corrupt, path + ": does not begin as a database");
  if (has_lost_header(path + "-wal")) return fail(Code::corrupt, path + ": its log has no header");
  Result<Database> database = Database::open(path, false);
  if (!database) return std::move(database).error();
  Status status = prepare(*database, kind, options);
  if (status) status = kind.recover(*std::move(database));
  if (!status) return take_for_damage(std::move(status).error());
  return OpenedFile{};
}

// Puts a new file, with what can be read of the old one, in the place of a missing or damaged one.
// A cut leaves the old file, or a whole replacement that the next start moves into its place.
Result<OpenedFile> replace(const std::string& path, const FileKind& kind,
                           const FileOptions& options) {
  Result<std::uint64_t> salvaged = build_replacement(path, kind, options);
  if (!salvaged) return std::move(salvaged).error();
  Result<std::optional<std::string>> aside = move_into_place(path);
  if (!aside) return std::move(aside).error();
  Result<OpenedFile> opened = open_existing(path, kind, options);
  if (!opened) return opened;
  opened->fresh = true;
  opened->quarantined = *aside;
  opened->salvaged = *salvaged;
  return opened;
}

}  // namespace

// In this order, in this process's turn: a replacement that a cut left is moved into its place; a
// missing file is made; a damaged one is salvaged and set aside. Any other error is the caller's.
Result<OpenedFile> open_file(const std::string& path, const FileKind& kind,
                             const FileOptions& options) {
  if (options.meter) {
    options.meter->file_part = plan_disk(options.disk).file;
    options.meter->limit = options.disk;
    meter_files(path, options.meter);
  }
  const Turn turn(path);
  if (exists(replacement(path))) {
    Result<std::optional<std::string>> aside = move_into_place(path);
    if (!aside) return std::move(aside).error();
  }
  if (!exists(path)) return replace(path, kind, options);
  Result<OpenedFile> opened = open_existing(path, kind, options);
  if (opened || opened.error().code != Code::corrupt) return opened;
  return replace(path, kind, options);
}

bool is_set_aside(std::string_view name) {
  return name.find(kSetAside) != name.npos &&
         std::none_of(std::begin(kSuffixes), std::end(kSuffixes), [name](std::string_view suffix) {
           return !suffix.empty() && name.ends_with(suffix);
         });
}

void mark_damaged(const std::string& path) {
  std::ofstream mark(damage_mark(path));
  mark.flush();
  static_cast<void>(sync_folder(path).ok());
}

}  // namespace spillway::sqlite
