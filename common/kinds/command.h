#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "spillway/command.h"
#include "spillway/kind.h"

namespace spillway::kinds {

// A program that may be run as a kind.
struct CommandOptions : Command {
  std::vector<std::string> args;  // names of the task args it takes, at most 32 of [a-z0-9_]+
  std::map<std::string, std::string> environment;
  std::string directory = "/";
  std::chrono::milliseconds grace{2'000};  // from SIGTERM to SIGKILL
  std::uint64_t most_value = 16ULL << 20;  // bytes of stdout; more is an error
  std::uint64_t file_size = 64ULL << 20;   // bytes of any file it writes (RLIMIT_FSIZE)
  std::uint32_t open_files = 64;           // RLIMIT_NOFILE
  bool pure = false;
  bool deterministic = false;
  std::string help;
};

// A kind that runs the program once a task, without a shell. `invalid_argument` for options that
// make no sense, `not_found` or `denied` for a program that is missing or not trusted (see
// trusted_file.h).
//
// The program gets the input as a file on stdin; task args as SPILLWAY_ARG_<NAME> and otherwise
// only `environment` and a plain PATH; no other open file; a process group of its own; the limits
// above; and no way to gain privileges. What it wrote to stdout by the time it ends is the value.
// A status other than 0, or death by a signal, is an Error with the end of what it wrote to
// stderr. On a stop request (`cancelled`) or timeout (`timeout`) the group gets SIGTERM and, after
// the grace time, SIGKILL. A program that SIGTERM, SIGINT or SIGHUP of others ended is `cancelled`
// if a stop request follows within half a second. What the program leaves when it ends, or this
// process does, is killed in any case, also in a session of its own. Any thread; the calling one
// waits (trait blocking).
Result<Kind> make_command_kind(CommandOptions options);

}  // namespace spillway::kinds
