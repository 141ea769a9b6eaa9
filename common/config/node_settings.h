#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/config/file.h"
#include "common/process/log.h"

// Keys that agent and cloud have in common, in whichever section.
namespace spillway::config {

inline constexpr unsigned kMaxWorkers = 48;  // as the executor

process::Level read_log_level(Section& section);
std::vector<std::string> read_tags(Section& section);

// One key of a node's configuration: whether SIGHUP can apply it, and whether it differs between
// two configurations.
struct Setting {
  std::string key;  // "section.key"
  bool reloadable = false;
  bool changed = false;
};

// Those that changed and need a restart.
std::vector<std::string> unreloadable(const std::vector<Setting>& settings);

}  // namespace spillway::config
