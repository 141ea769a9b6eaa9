#include "tests/support/disk/file_calls.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cstdarg>
#include <cstdio>

namespace spillway::test {
namespace {

std::atomic<FileWatcher*> watching{nullptr};

FileWatcher* watcher() { return watching.load(std::memory_order_acquire); }

// What the program would have called without us.
template <class Call>
Call* real(const char* name) {
  return reinterpret_cast<Call*>(::dlsym(RTLD_NEXT, name));
}

int tell_opened(int fd, const char* path, int flags) {
  if (FileWatcher* w = watcher(); w != nullptr && fd >= 0) w->opened(fd, path, flags);
  return fd;
}

void tell_appended(int fd, const void* bytes, ssize_t size) {
  FileWatcher* w = watcher();
  if (w == nullptr || size <= 0) return;
  const off_t end = ::lseek(fd, 0, SEEK_CUR);
  if (end >= size) w->wrote(fd, bytes, static_cast<std::size_t>(size), end - size);
}

int tell_synced(int fd, int answer) {
  if (FileWatcher* w = watcher(); w != nullptr && answer == 0) w->synced(fd);
  return answer;
}

int tell_removed(const char* path, int answer) {
  if (FileWatcher* w = watcher(); w != nullptr && answer == 0) w->removed(path);
  return answer;
}

int tell_truncated(int fd, off_t size, int answer) {
  if (FileWatcher* w = watcher(); w != nullptr && answer == 0) w->truncated(fd, size);
  return answer;
}

mode_t mode_of(int flags, std::va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

void watch_files(FileWatcher* w) { watching.store(w, std::memory_order_release); }

}  // namespace spillway::test

// SQLite and the standard library reach the C library through these names; a program's own
// definitions come before the library's.
using namespace spillway::test;

extern "C" {

int open(const char* path, int flags, ...) {
  static auto* const next = real<int(const char*, int, ...)>("open");
  std::va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return tell_opened(next(path, flags, mode), path, flags);
}

int open64(const char* path, int flags, ...) {
  static auto* const next = real<int(const char*, int, ...)>("open64");
  std::va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return tell_opened(next(path, flags, mode), path, flags);
}

int close(int fd) {
  static auto* const next = real<int(int)>("close");
  // Before: another thread may be given the same number the moment it is free.
  if (FileWatcher* w = watcher()) w->closed(fd);
  return next(fd);
}

ssize_t write(int fd, const void* bytes, size_t size) {
  static auto* const next = real<ssize_t(int, const void*, size_t)>("write");
  const ssize_t written = next(fd, bytes, size);
  tell_appended(fd, bytes, written);
  return written;
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  static auto* const next = real<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  const ssize_t written = next(fd, bytes, size, at);
  if (FileWatcher* w = watcher(); w != nullptr && written > 0) {
    w->wrote(fd, bytes, static_cast<std::size_t>(written), at);
  }
  return written;
}

int ftruncate64(int fd, off64_t size) noexcept {
  static auto* const next = real<int(int, off64_t)>("ftruncate64");
  return tell_truncated(fd, size, next(fd, size));
}

int fdatasync(int fd) {
  static auto* const next = real<int(int)>("fdatasync");
  return tell_synced(fd, next(fd));
}

int fsync(int fd) {
  static auto* const next = real<int(int)>("fsync");
  return tell_synced(fd, next(fd));
}

int rename(const char* from, const char* to) noexcept {
  static auto* const next = real<int(const char*, const char*)>("rename");
  const int answer = next(from, to);
  if (FileWatcher* w = watcher(); w != nullptr && answer == 0) w->renamed(from, to);
  return answer;
}

int unlink(const char* path) noexcept {
  static auto* const next = real<int(const char*)>("unlink");
  return tell_removed(path, next(path));
}

int remove(const char* path) noexcept {
  static auto* const next = real<int(const char*)>("remove");
  return tell_removed(path, next(path));
}
}
