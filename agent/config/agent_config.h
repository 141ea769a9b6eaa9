#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/file.h"
#include "common/config/node_settings.h"
#include "spillway/agent/options.h"
#include "spillway/status.h"

// spillway-agent's configuration file, read into what the library takes. agent.toml beside this
// file is agent_example().
namespace spillway::agent {

struct AgentConfig {
  Options options;
  config::Daemon daemon;
  config::Settings settings;          // all of it
  std::vector<std::string> reloaded;  // the keys that SIGHUP applies; the others need a restart
};

// A missing file is not_found; what is wrong inside is one line, `file:line: section.key: …`.
Result<AgentConfig> load_agent_config(const std::string& path);
Result<AgentConfig> parse_agent_config(std::string_view text, const std::string& name);

// Every key, as "section.key", sorted.
std::vector<std::string> agent_config_keys();
// Every key with its default, as a comment that explains it.
std::string agent_example();

// A host's name as a device id: "Pump 7.example.org" is "pump-7"; "device" when nothing is left.
std::string device_from_host(std::string_view host);

}  // namespace spillway::agent
