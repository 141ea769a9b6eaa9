#pragma once

#include <string>
#include <vector>

#include "spillway/status.h"

namespace spillway::ota {

struct Ended {
  int code = 0;      // 128 + number for a signal
  std::string said;  // the end of stdout and stderr together, at most 4 KiB
};

// Runs a program of the system, found in PATH, and waits for it. `io`: it could not be started. Any
// thread.
Result<Ended> run_program(const std::vector<std::string>& argv);

}  // namespace spillway::ota
