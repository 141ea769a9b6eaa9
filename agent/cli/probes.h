#pragma once

#include <string>

#include "agent/cli/checks.h"

// The facts behind doctor's checks, from the machine it runs on.
namespace spillway::cli {

// `socket`: of the agent, whose owner tells the agent's user.
Result<DirectoryFacts> look_at_directory(const std::string& path, const std::string& socket);
Result<SpaceFacts> look_at_space(const std::string& path);
// The quickest of several small writes that waited for the disk; the file is gone afterwards.
Result<Duration> time_sync(const std::string& directory);
ClockFacts look_at_clock();

}  // namespace spillway::cli
