#pragma once

#include <string>
#include <vector>

#include "spillway/status.h"

namespace spillway::cli {

struct CompletedCommand {
  std::string name;
  std::string help;                  // one line
  std::vector<std::string> options;  // with their dashes
};

// A script for `shell` ("bash" or "zsh") that completes the commands and their options.
Result<std::string> completion_script(const std::string& shell,
                                      const std::vector<CompletedCommand>& commands);

}  // namespace spillway::cli
