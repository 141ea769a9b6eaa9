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
// Whether a running agent has its store in that directory open, or this user cannot tell.
bool has_open_store(const std::string& directory);

}  // namespace spillway::cli
