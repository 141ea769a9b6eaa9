#pragma once

#include <string>
#include <vector>

#include "agent/cli/console.h"

namespace spillway::cli {

// The program `spillway`: parses the arguments (without the program's name), does what they say,
// and returns the exit code.
int run(const std::vector<std::string>& arguments, Console& console);

}  // namespace spillway::cli
