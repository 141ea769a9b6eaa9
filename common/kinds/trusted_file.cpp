#include "common/kinds/trusted_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace spillway::kinds {

Status check_trusted(int fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) {
    return fail(Code::io, "cannot examine " + path + ": " + std::strerror(errno));
  }
  if (!S_ISREG(info.st_mode)) return fail(Code::denied, path + " is not a regular file");
  if (info.st_uid != 0 && info.st_uid != ::geteuid()) {
    return fail(Code::denied, path + " belongs to user " + std::to_string(info.st_uid) +
                                  "; code must belong to root or to the user the program runs as");
  }
  if ((info.st_mode & S_IWOTH) != 0) {
    return fail(Code::denied, path + " can be written by anyone; run: chmod o-w " + path);
  }
  return {};
}

}  // namespace spillway::kinds
