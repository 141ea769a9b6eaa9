#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

namespace spillway::test {

// Told of each change to files that this process asked the system for, after it was made: whoever
// made it, SQLite and the standard library included. Calls come from any thread.
class FileWatcher {
 public:
  virtual ~FileWatcher() = default;
  virtual void opened(int fd, const std::string& path, int flags) = 0;
  virtual void wrote(int fd, const void* bytes, std::size_t size, off_t at) = 0;
  virtual void truncated(int fd, off_t size) = 0;
  virtual void synced(int fd) = 0;
  virtual void closed(int fd) = 0;
  virtual void renamed(const std::string& from, const std::string& to) = 0;
  virtual void removed(const std::string& path) = 0;
};

// Sets the one watcher; null: nobody watches, and calls cost what they did before. A program that
// links this has the C library's file calls replaced by ones that tell.
void watch_files(FileWatcher* watcher);

}  // namespace spillway::test
