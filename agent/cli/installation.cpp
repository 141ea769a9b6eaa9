#include "agent/cli/installation.h"

#include <utility>

#include "agent/config/agent_config.h"

namespace spillway::cli {
namespace {

std::optional<mqtt::ConnectOptions> broker_of(const agent::Options& agent) {
  if (agent.broker.uri.empty()) return std::nullopt;
  mqtt::ConnectOptions options = mqtt::connect_options(agent.broker);
  if (options.client_id.empty()) options.client_id = agent.device;
  return options;
}

}  // namespace

Result<Installation> read_installation(const std::string& config_path) {
  Result<agent::AgentConfig> config = agent::load_agent_config(config_path);
  if (!config) return std::move(config).error();
  const agent::Options& agent = config->options;
  return Installation{agent.device, agent.socket, agent.state_dir, broker_of(agent)};
}

}  // namespace spillway::cli
