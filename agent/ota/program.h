#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spillway/status.h"

namespace spillway::ota {

struct Ended {
  int code = 0;      // 128 + number for a signal
  std::string said;  // the end of stdout and stderr together, at most 4 KiB
};

// Runs a program of the system, found in PATH, and waits for it. No file that it writes grows
// beyond `most_file` bytes: a signal ends it instead. `io`: it could not be started. Any thread.
Result<Ended> run_program(const std::vector<std::string>& argv,
                          std::uint64_t most_file = UINT64_MAX);

}  // namespace spillway::ota
