#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "spillway/status.h"

namespace spillway::intake {

// A listening Unix socket and its file, mode 0660. Destroying it removes the file, if the file is
// still this one, and closes the socket unless release() gave it away.
class SocketFile {
 public:
  // Replaces the file of an agent that is gone; refuses (`conflict`) when one still listens there,
  // or when `path` is something else than a socket. `group` (a name) may be empty: the process's.
  static Result<SocketFile> listen(const std::string& path, const std::string& group);

  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&&) = delete;
  ~SocketFile();

  int release() { return std::exchange(socket_, -1); }
  gid_t group() const { return group_; }

 private:
  SocketFile(std::string path, int socket) : path_(std::move(path)), socket_(socket) {}
  Status start(const std::string& group);
  Status give_to(const std::string& group);

  std::string path_;
  int socket_ = -1;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  gid_t group_ = 0;
};

}  // namespace spillway::intake
