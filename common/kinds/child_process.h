#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/kinds/command.h"
#include "common/kinds/fd.h"

namespace spillway::kinds {

// A program that runs: leader of a process group of its own. Whoever holds it must end and reap it.
struct Child {
  pid_t pid = -1;
  Fd exited;  // becomes readable when the program ends
  Fd out;     // does not block
  Fd err;     // does not block
};

// Starts the program of `options` with `input` on stdin. Safe in a process with many threads:
// nothing between fork and exec allocates or locks. An Error means that nothing runs.
Result<Child> start_child(const CommandOptions& options,
                          const std::vector<std::string>& environment, ByteView input);

}  // namespace spillway::kinds
