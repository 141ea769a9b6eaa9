#include "common/sqlite/file_meter.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <new>

#include "common/threads/mutex.h"

namespace spillway::sqlite {
namespace {

// A file of the metered file system: what it stands for, and who counts it.
struct MeteredFile {
  sqlite3_file base;
  sqlite3_file* real;
  SharedMeter* meter;                  // null: not metered
  std::atomic<std::uint64_t>* counts;  // the part of the meter that is this file's size
};

threads::Mutex mutex;
std::map<std::string, std::weak_ptr<FileMeter>>& meters() REQUIRES(mutex) {
  static std::map<std::string, std::weak_ptr<FileMeter>> all;
  return all;
}

MeteredFile& of(sqlite3_file* file) { return *reinterpret_cast<MeteredFile*>(file); }
sqlite3_file* real(sqlite3_file* file) { return of(file).real; }

// The default is asked for at every call: a program may change it.
sqlite3_vfs* default_vfs() { return sqlite3_vfs_find(nullptr); }

bool may_grow(const MeteredFile& file, std::uint64_t size) {
  const FileMeter& meter = **file.meter;
  const std::uint64_t limit = meter.limit;
  if (limit == 0) return true;
  if (file.counts == &meter.file) return size <= meter.file_part;
  return std::max<std::uint64_t>(meter.file, meter.file_part) + size <= limit;
}

int close(sqlite3_file* file) {
  MeteredFile& metered = of(file);
  const int code = metered.real->pMethods ? metered.real->pMethods->xClose(metered.real) : 0;
  sqlite3_free(metered.real);
  if (metered.counts) *metered.counts = 0;
  delete metered.meter;
  return code;
}

int read(sqlite3_file* file, void* to, int size, sqlite3_int64 at) {
  return real(file)->pMethods->xRead(real(file), to, size, at);
}

int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 at) {
  MeteredFile& metered = of(file);
  if (!metered.meter) return metered.real->pMethods->xWrite(metered.real, from, size, at);
  const auto end = static_cast<std::uint64_t>(at + size);
  const bool grows = end > *metered.counts;
  if (grows && !may_grow(metered, end)) return SQLITE_FULL;
  const int code = metered.real->pMethods->xWrite(metered.real, from, size, at);
  // After an error a part may have been written; the size is asked for.
  sqlite3_int64 now = static_cast<sqlite3_int64>(end);
  if (code != SQLITE_OK) metered.real->pMethods->xFileSize(metered.real, &now);
  if (grows) *metered.counts = static_cast<std::uint64_t>(now);
  (*metered.meter)->written += static_cast<std::uint64_t>(size);
  return code;
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
  MeteredFile& metered = of(file);
  const int code = metered.real->pMethods->xTruncate(metered.real, size);
  if (code == SQLITE_OK && metered.counts) *metered.counts = static_cast<std::uint64_t>(size);
  return code;
}

int sync(sqlite3_file* file, int flags) { return real(file)->pMethods->xSync(real(file), flags); }
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real(file)->pMethods->xFileSize(real(file), size);
}
int lock(sqlite3_file* file, int level) { return real(file)->pMethods->xLock(real(file), level); }
int unlock(sqlite3_file* file, int level) {
  return real(file)->pMethods->xUnlock(real(file), level);
}
int check_lock(sqlite3_file* file, int* out) {
  return real(file)->pMethods->xCheckReservedLock(real(file), out);
}

// SQLite asks a file to grow in one piece ahead of many writes.
bool asks_to_grow(int what) {
  return what == SQLITE_FCNTL_SIZE_HINT || what == SQLITE_FCNTL_CHUNK_SIZE;
}
int control(sqlite3_file* file, int what, void* arg) {
  if (of(file).meter && asks_to_grow(what)) return SQLITE_OK;
  return real(file)->pMethods->xFileControl(real(file), what, arg);
}
int sector_size(sqlite3_file* file) { return real(file)->pMethods->xSectorSize(real(file)); }
int characteristics(sqlite3_file* file) {
  return real(file)->pMethods->xDeviceCharacteristics(real(file));
}
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
}
int shm_lock(sqlite3_file* file, int offset, int n, int flags) {
  return real(file)->pMethods->xShmLock(real(file), offset, n, flags);
}
void shm_barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
int shm_unmap(sqlite3_file* file, int remove) {
  return real(file)->pMethods->xShmUnmap(real(file), remove);
}

// Version 2: stores are not mapped into memory, so that every write is seen here.
constexpr sqlite3_io_methods kMethods = {
    2,         close,      read,    write,       truncate,        sync,    file_size, lock,
    unlock,    check_lock, control, sector_size, characteristics, shm_map, shm_lock,  shm_barrier,
    shm_unmap, nullptr,    nullptr};

SharedMeter meter_of(const char* name, int flags) {
  constexpr int kLogs = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL;
  if (name == nullptr || (flags & (SQLITE_OPEN_MAIN_DB | kLogs)) == 0) return nullptr;
  const char* database = (flags & kLogs) != 0 ? sqlite3_filename_database(name) : name;
  threads::Lock guard(mutex);
  auto found = meters().find(database);
  return found == meters().end() ? nullptr : found->second.lock();
}

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
  sqlite3_vfs* vfs = default_vfs();
  auto* metered = new (file) MeteredFile{};
  metered->real = static_cast<sqlite3_file*>(sqlite3_malloc(vfs->szOsFile));
  if (!metered->real) return SQLITE_NOMEM;
  std::memset(metered->real, 0, static_cast<std::size_t>(vfs->szOsFile));
  const int code = vfs->xOpen(vfs, name, metered->real, flags, out);
  if (code != SQLITE_OK || !metered->real->pMethods) {
    sqlite3_free(metered->real);
    metered->base.pMethods = nullptr;
    return code;
  }
  metered->base.pMethods = &kMethods;
  SharedMeter meter = meter_of(name, flags);
  if (!meter) return code;
  metered->counts = (flags & SQLITE_OPEN_MAIN_DB) != 0 ? &meter->file : &meter->log;
  sqlite3_int64 size = 0;
  if (metered->real->pMethods->xFileSize(metered->real, &size) == SQLITE_OK) {
    *metered->counts = static_cast<std::uint64_t>(size);
  }
  metered->meter = new SharedMeter(std::move(meter));
  return code;
}

int remove(sqlite3_vfs*, const char* name, int sync_folder) {
  return default_vfs()->xDelete(default_vfs(), name, sync_folder);
}
int access(sqlite3_vfs*, const char* name, int flags, int* out) {
  return default_vfs()->xAccess(default_vfs(), name, flags, out);
}
int full_path(sqlite3_vfs*, const char* name, int size, char* out) {
  return default_vfs()->xFullPathname(default_vfs(), name, size, out);
}
int randomness(sqlite3_vfs*, int size, char* out) {
  return default_vfs()->xRandomness(default_vfs(), size, out);
}
int sleep(sqlite3_vfs*, int microseconds) {
  return default_vfs()->xSleep(default_vfs(), microseconds);
}
int current_time(sqlite3_vfs*, double* out) {
  return default_vfs()->xCurrentTime(default_vfs(), out);
}
int last_error(sqlite3_vfs*, int size, char* out) {
  return default_vfs()->xGetLastError(default_vfs(), size, out);
}
int current_time_int64(sqlite3_vfs*, sqlite3_int64* out) {
  return default_vfs()->xCurrentTimeInt64(default_vfs(), out);
}

}  // namespace

void meter_files(const std::string& path, const SharedMeter& meter) {
  std::error_code ignored;
  std::string whole = std::filesystem::weakly_canonical(path, ignored).string();
  threads::Lock guard(mutex);
  std::erase_if(meters(), [](const auto& entry) { return entry.second.expired(); });
  meters()[std::move(whole)] = meter;
}

const char* metered_vfs() {
  static constexpr const char* kName = "spillway-metered";
  static const bool registered = [] {
    static sqlite3_vfs vfs{};
    vfs.iVersion = 2;
    vfs.szOsFile = sizeof(MeteredFile);
    vfs.mxPathname = default_vfs()->mxPathname;
    vfs.zName = kName;
    vfs.xOpen = open;
    vfs.xDelete = remove;
    vfs.xAccess = access;
    vfs.xFullPathname = full_path;
    vfs.xRandomness = randomness;
    vfs.xSleep = sleep;
    vfs.xCurrentTime = current_time;
    vfs.xGetLastError = last_error;
    vfs.xCurrentTimeInt64 = current_time_int64;
    return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK;
  }();
  return registered ? kName : nullptr;
}

}  // namespace spillway::sqlite
