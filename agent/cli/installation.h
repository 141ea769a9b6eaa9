#pragma once

#include <optional>
#include <string>

#include "common/mqtt/transport.h"
#include "spillway/status.h"

namespace spillway::cli {

// What doctor needs of the agent's configuration.
struct Installation {
  std::string device;
  std::string socket;
  std::string state_directory;
  std::optional<mqtt::ConnectOptions> broker;  // as the device; empty: no link is configured
};

Result<Installation> read_installation(const std::string& config_path);

}  // namespace spillway::cli
