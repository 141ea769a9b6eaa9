#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/broker_section.h"
#include "common/config/kind_sections.h"
#include "common/config/node_settings.h"
#include "common/process/log.h"
#include "spillway/budget.h"
#include "spillway/status.h"

// spillway-agent's configuration file, one struct per section. agent.toml beside this file explains
// every key.
namespace spillway::agent {

struct AgentSection {
  std::string device;  // default: the host's name, made into a device id
  std::string state_dir = "/var/lib/spillway";
  std::string socket = "/run/spillway/agent.sock";  // empty: no local API
  process::Level log_level = process::Level::info;
  std::chrono::milliseconds grace = std::chrono::seconds(10);      // to drain on SIGTERM
  std::chrono::milliseconds telemetry = std::chrono::seconds(10);  // between reports; 0: none
  std::string updater_dir = "/var/lib/spillway-ota";               // empty: none
  std::string textfile;  // where node_exporter finds what is reported; empty: nowhere
  unsigned workers = 0;  // 0: what the process may use
  std::vector<std::string> tags;
  std::uint64_t memory = 0;  // bytes offered to tasks; 0: what the machine has
};

struct LinkSection {
  std::uint64_t bandwidth = 0;  // bytes per second to the broker; 0: no limit
  bool metered = false;
};

struct StoreSection {
  std::uint32_t max_ready = 512;  // ready tasks held in memory
};

struct LimitsSection {
  std::uint32_t clients = 64;
  std::uint32_t client_frames = 256;  // requests outstanding of one client
};

struct PlacementSection {
  std::chrono::milliseconds lease = std::chrono::seconds(30);
  double risk = 0.25;   // weight of the 95th percentile against the median
  double margin = 0.1;  // by how much the cloud must be better
  std::chrono::milliseconds probe_interval = std::chrono::seconds(30);
  std::chrono::milliseconds assumed_rtt{100};     // before anything is measured
  std::uint64_t assumed_bandwidth = 1024 * 1024;  // bytes per second
};

struct DispatchedTasksSection {
  bool accept = true;
  std::vector<std::string> kinds;                              // empty: every kind but programs
  std::uint32_t held = 16;                                     // taken and not done
  std::chrono::milliseconds max_run = std::chrono::hours(24);  // 0: no limit
};

struct AgentConfig {
  AgentSection agent;
  config::BrokerSection broker;
  LinkSection link;
  StoreSection store;
  BudgetLimits budget;
  LimitsSection limits;
  PlacementSection placement;
  DispatchedTasksSection dispatched_tasks;
  std::vector<config::CommandSection> commands;
  config::PluginsSection plugins;
  config::Settings settings;  // all of it
};

// A missing file is not_found; what is wrong inside is one line, `file:line: section.key: …`.
Result<AgentConfig> load_agent_config(const std::string& path);
Result<AgentConfig> parse_agent_config(std::string_view text, const std::string& name);

// Every key, as "section.key", sorted.
std::vector<std::string> agent_config_keys();
// The keys that SIGHUP applies: they are read anew at each decision. What the agent opened,
// announced or divided at its start needs a restart.
inline constexpr std::string_view kReloadable[] = {"agent.log_level",  "agent.grace",
                                                   "link.bandwidth",   "link.metered",
                                                   "budget.disk_free", "budget.inodes_free",
                                                   "budget.memory",    "budget.tasks",
                                                   "budget.tasks_age", "budget.tasks_on_full",
                                                   "placement.lease",  "placement.risk",
                                                   "placement.margin", "placement.probe_interval"};

// A host's name as a device id: "Pump 7.example.org" is "pump-7"; "device" when nothing is left.
std::string device_from_host(std::string_view host);

}  // namespace spillway::agent
