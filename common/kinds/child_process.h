#pragma once

#include <sys/types.h>

#include <csignal>
#include <string>
#include <vector>

#include "common/kinds/command.h"
#include "common/kinds/fd.h"

namespace spillway::kinds {

// A program that runs, as leader of a process group of its own, under a process that looks after
// it: the keeper, to which the kernel gives every descendant whose parent is gone, whatever session
// or group it made for itself. It ends when the program has, or this process, and takes with it all
// that the program left. Whoever holds it must end and reap it.
struct Child {
  pid_t pid = -1;  // the keeper's
  Fd exited;       // becomes readable when nothing is left
  Fd status;       // has the program's status by then, an int as of waitpid(2); does not block
  Fd out;          // does not block
  Fd err;          // does not block
};

// What the keeper understands: the program's group is asked to end; nothing lives on.
inline constexpr int kAskToEnd = SIGTERM, kEndAll = SIGQUIT;

// Starts the program of `options` with `input` on stdin. Safe in a process with many threads:
// nothing between fork and exec allocates or locks. An Error means that nothing runs.
Result<Child> start_child(const CommandOptions& options,
                          const std::vector<std::string>& environment, ByteView input);

}  // namespace spillway::kinds
