#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/file.h"
#include "common/process/log.h"

// Keys that agent and cloud have in common, in whichever section.
namespace spillway::config {

inline constexpr unsigned kMaxWorkers = 48;  // as the executor

process::Level read_log_level(Section& section);
std::vector<std::string> read_tags(Section& section);

// Keys whose setting differs.
std::vector<std::string> changed(const Settings& old, const Settings& now);
// The changed keys that need a restart, as a running node does not take them up.
std::vector<std::string> need_restart(const Settings& old, const Settings& now,
                                      std::span<const std::string_view> reloadable);

}  // namespace spillway::config
