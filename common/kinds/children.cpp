#include "common/kinds/children.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

namespace spillway::kinds {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The number that `text` begins with, 0 when there is none.
pid_t number_at(const char* text) {
  pid_t number = 0;
  for (; is_digit(*text); ++text) number = number * 10 + (*text - '0');
  return number;
}

bool kill_listed(int file) {
  char text[4097];
  const ssize_t got = ::read(file, text, sizeof text - 1);
  text[got > 0 ? got : 0] = 0;
  bool any = false;
  // A number that the end of the text may have cut is left for the next time.
  for (const char* at = text; const char* end = std::strchr(at, ' '); at = end + 1) {
    const pid_t pid = number_at(at);
    if (pid <= 0) continue;
    ::kill(pid, SIGKILL);
    any = true;
  }
  return any;
}

// The parent in "PID (NAME) STATE PARENT …", where the name may hold anything.
pid_t parent_of(int processes, const char* pid) {
  char path[32] = {};
  if (std::strlen(pid) + sizeof "/stat" > sizeof path) return 0;
  std::strcat(std::strcpy(path, pid), "/stat");
  const int file = ::openat(processes, path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[256];
  const ssize_t got = ::read(file, text, sizeof text - 1);
  ::close(file);
  text[got > 0 ? got : 0] = 0;
  const char* name_end = std::strrchr(text, ')');
  return name_end && std::strlen(name_end) > 4 ? number_at(name_end + 4) : 0;
}

bool kill_found(int processes) {
  const pid_t self = ::getpid();
  alignas(dirent64) char entries[4096];
  bool any = false;
  for (;;) {
    const ssize_t got = ::getdents64(processes, entries, sizeof entries);
    if (got <= 0) return any;
    for (ssize_t at = 0; at < got;) {
      const auto* entry = reinterpret_cast<const dirent64*>(entries + at);
      at += entry->d_reclen;
      const pid_t pid = number_at(entry->d_name);
      if (pid <= 0 || parent_of(processes, entry->d_name) != self) continue;
      ::kill(pid, SIGKILL);
      any = true;
    }
  }
}

}  // namespace

bool kill_children(const ChildLists& lists) {
  int file = ::open(lists.children, O_RDONLY | O_CLOEXEC);
  const bool listed = file >= 0;
  if (!listed) file = ::open(lists.processes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return false;
  const bool any = listed ? kill_listed(file) : kill_found(file);
  ::close(file);
  return any;
}

}  // namespace spillway::kinds
