#pragma once

#include "agent/config/agent_config.h"
#include "spillway/agent/agent.h"

namespace spillway::agent {

// The daemon's configuration as the library takes it.
Options options_from(const AgentConfig& config);

}  // namespace spillway::agent
