#include "agent/ota/program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

extern char** environ;

namespace spillway::ota {
namespace {

constexpr std::size_t kMostSaid = 4096;

std::string read_end_of(int pipe) {
  std::string said;
  std::array<char, 1024> piece{};
  for (;;) {
    const ssize_t count = ::read(pipe, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return said;
    said.append(piece.data(), static_cast<std::size_t>(count));
    if (said.size() > kMostSaid) said.erase(0, said.size() - kMostSaid);
  }
}

// Bounds the files of a program that has just begun, and has nothing to write yet.
void limit_files(pid_t child, std::uint64_t most) {
  if (most >= std::uint64_t{RLIM_INFINITY}) return;
  rlimit limit{};
  limit.rlim_cur = limit.rlim_max = static_cast<rlim_t>(most);
  ::prlimit(child, RLIMIT_FSIZE, &limit, nullptr);
}

}  // namespace

Result<Ended> run_program(const std::vector<std::string>& argv, std::uint64_t most_file) {
  std::vector<char*> words;
  words.reserve(argv.size() + 1);
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(Code::io, "no pipe for " + argv[0]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (error == 0) limit_files(child, most_file);
  Ended ended;
  if (error == 0) ended.said = read_end_of(ends[0]);
  ::close(ends[0]);
  if (error != 0) return fail(Code::io, "cannot run " + argv[0] + ": " + std::strerror(error));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended;
}

}  // namespace spillway::ota
