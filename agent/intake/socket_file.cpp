#include "agent/intake/socket_file.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace spillway::intake {
namespace {

constexpr mode_t kMode = 0660;
constexpr int kBacklog = 128;

Error broken(const std::string& what, const std::string& path, int error) {
  return fail(error == EACCES || error == EPERM ? Code::denied : Code::io,
              "cannot " + what + " '" + path + "': " + std::strerror(error));
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail(Code::invalid_argument, "socket path '" + path + "' must have 1 to " +
                                            std::to_string(sizeof address.sun_path - 1) + " bytes");
  }
  path.copy(address.sun_path, path.size());
  return address;
}

bool somebody_listens(const sockaddr_un& address) {
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return true;
  const int result = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const bool dead = result != 0 && (errno == ECONNREFUSED || errno == ENOENT);
  ::close(probe);
  return !dead;
}

// Frees the path for bind(): a socket at which nobody listens is removed; another kind of file, or
// one that somebody listens at, is a conflict.
Status make_room(const std::string& path, const sockaddr_un& address) {
  struct stat file {};
  if (lstat(path.c_str(), &file) != 0) return {};
  if (!S_ISSOCK(file.st_mode)) {
    return fail(Code::conflict, "'" + path + "' exists and is not a socket; move it away");
  }
  if (somebody_listens(address)) {
    return fail(Code::conflict, "another agent listens at '" + path + "'; stop it first");
  }
  if (::unlink(path.c_str()) != 0) return broken("replace the old socket", path, errno);
  return {};
}

}  // namespace

Result<SocketFile> SocketFile::listen(const std::string& path, const std::string& group) {
  Result<sockaddr_un> address = address_of(path);
  if (!address) return std::move(address).error();
  if (Status status = make_room(path, *address); !status) return std::move(status).error();
  SocketFile file(path, ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (file.socket_ < 0) return broken("make the socket", path, errno);
  // The file's mode is the socket's at bind(), less the umask: it is never open to others, not even
  // for a moment.
  if (fchmod(file.socket_, kMode) != 0) return broken("set the mode of", path, errno);
  if (::bind(file.socket_, reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
    if (errno == ENOENT) {
      return fail(Code::not_found,
                  "the directory of socket '" + path + "' does not exist; make it");
    }
    return broken("bind", path, errno);
  }
  if (Status status = file.start(group); !status) return std::move(status).error();
  return file;
}

Status SocketFile::start(const std::string& group) {
  struct stat file {};
  if (lstat(path_.c_str(), &file) != 0) return broken("look at", path_, errno);
  device_ = file.st_dev;
  inode_ = file.st_ino;
  group_ = file.st_gid;
  if (Status status = give_to(group); !status) return status;
  if (::chmod(path_.c_str(), kMode) != 0) return broken("set the mode of", path_, errno);
  if (::listen(socket_, kBacklog) != 0) return broken("listen at", path_, errno);
  return {};
}

Status SocketFile::give_to(const std::string& group) {
  if (group.empty()) return {};
  const struct group* entry = getgrnam(group.c_str());
  if (!entry)
    return fail(Code::not_found, "there is no group '" + group + "' for the agent's socket");
  if (::chown(path_.c_str(), static_cast<uid_t>(-1), entry->gr_gid) != 0) {
    return broken("give to group '" + group + "'", path_, errno);
  }
  group_ = entry->gr_gid;
  return {};
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      socket_(std::exchange(other.socket_, -1)),
      device_(other.device_),
      inode_(std::exchange(other.inode_, 0)),
      group_(other.group_) {}

SocketFile::~SocketFile() {
  struct stat file {};
  if (inode_ != 0 && lstat(path_.c_str(), &file) == 0 && file.st_dev == device_ &&
      file.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
  if (socket_ >= 0) ::close(socket_);
}

}  // namespace spillway::intake
