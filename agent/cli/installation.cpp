#include "agent/cli/installation.h"

#include <utility>

#include "agent/config/agent_config.h"

namespace spillway::cli {
namespace {

std::optional<mqtt::ConnectOptions> broker_of(const config::BrokerSection& section,
                                              const std::string& device) {
  if (section.uri.empty()) return std::nullopt;
  mqtt::ConnectOptions options;
  options.uri = section.uri;
  options.client_id = section.client_id.empty() ? device : section.client_id;
  options.user = section.username;
  options.password_file = section.password_file;
  options.alpn = section.alpn;
  options.topic_prefix = section.topic_prefix;
  options.keep_alive = std::chrono::duration_cast<std::chrono::seconds>(section.keep_alive);
  if (!section.ca.empty()) options.tls = mqtt::Tls{section.ca, section.cert, section.key};
  return options;
}

}  // namespace

Result<Installation> read_installation(const std::string& config_path) {
  Result<agent::AgentConfig> config = agent::load_agent_config(config_path);
  if (!config) return std::move(config).error();
  const agent::AgentSection& section = config->agent;
  return Installation{section.device, section.socket, section.state_dir,
                      broker_of(config->broker, section.device)};
}

}  // namespace spillway::cli
