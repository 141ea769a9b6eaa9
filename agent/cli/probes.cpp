#include "agent/cli/probes.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/process/system_clock.h"

namespace spillway::cli {
namespace {

constexpr int kSyncs = 16;
constexpr std::size_t kSyncBytes = 4096;

Error refused(const std::string& what, const std::string& path) {
  const int error = errno;
  return fail(error == ENOENT   ? Code::not_found
              : error == EACCES ? Code::denied
                                : Code::io,
              "cannot " + what + " '" + path + "': " + std::strerror(error));
}

// A file without a name where the file system can, and one that is removed at once where not.
int open_scratch(const std::string& directory) {
  const int file = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return file;
  std::string path = directory + "/.doctor-XXXXXX";
  const int named = ::mkostemp(path.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(path.c_str());
  return named;
}

Result<Duration> quickest_sync(int file, const std::string& directory) {
  const process::BootClock clock;
  const std::array<char, kSyncBytes> block{};
  Duration quickest = Duration::max();
  for (int i = 0; i < kSyncs; ++i) {
    const Duration begin = clock.boot_time();
    if (::pwrite(file, block.data(), block.size(), i * static_cast<off_t>(kSyncBytes)) < 0 ||
        ::fdatasync(file) != 0) {
      return refused("write to", directory);
    }
    quickest = std::min(quickest, clock.boot_time() - begin);
  }
  return quickest;
}

}  // namespace

Result<DirectoryFacts> look_at_directory(const std::string& path, const std::string& socket) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) return refused("look at", path);
  DirectoryFacts facts{path,        S_ISDIR(file.st_mode), ::access(path.c_str(), W_OK | X_OK) == 0,
                       file.st_uid, file.st_mode,          {}};
  struct stat agent {};
  if (stat(socket.c_str(), &agent) == 0) facts.agent = agent.st_uid;
  return facts;
}

Result<SpaceFacts> look_at_space(const std::string& path) {
  struct statvfs space {};
  struct statfs type {};
  if (statvfs(path.c_str(), &space) != 0 || statfs(path.c_str(), &type) != 0) {
    return refused("look at the file system of", path);
  }
  SpaceFacts facts;
  facts.path = path;
  facts.free_bytes = std::uint64_t{space.f_bavail} * space.f_frsize;
  facts.total_bytes = std::uint64_t{space.f_blocks} * space.f_frsize;
  facts.free_inodes = space.f_favail;
  facts.total_inodes = space.f_files;
  facts.in_memory = type.f_type == static_cast<__fsword_t>(TMPFS_MAGIC) ||
                    type.f_type == static_cast<__fsword_t>(RAMFS_MAGIC);
  facts.read_only = (space.f_flag & ST_RDONLY) != 0;
  return facts;
}

Result<Duration> time_sync(const std::string& directory) {
  const int file = open_scratch(directory);
  if (file < 0) return refused("make a file in", directory);
  Result<Duration> quickest = quickest_sync(file, directory);
  ::close(file);
  return quickest;
}

ClockFacts look_at_clock() {
  timex state{};
  const int kind = ::adjtimex(&state);
  return {process::BootClock().wall_time(), kind >= 0 && kind != TIME_ERROR};
}

// SQLite keeps a lock on the file for as long as an agent has it.
bool has_open_store(const std::string& directory) {
  const int file = ::open((directory + "/agent.db").c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return errno != ENOENT;
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const bool told = ::fcntl(file, F_GETLK, &lock) == 0;
  ::close(file);
  return !told || lock.l_type != F_UNLCK;
}

}  // namespace spillway::cli
