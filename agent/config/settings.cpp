#include "agent/config/agent_config.h"

namespace spillway::agent {
namespace {

// Whether a running agent can take a change: what it reads anew at each decision, yes; what it
// opened, announced or built at its start, no.
constexpr bool kReload = true;
constexpr bool kRestart = false;

}  // namespace

namespace {

// The store divides its files at its start; what the node asks at each submit can change.
void add_budget(std::vector<config::Setting>& settings, const BudgetLimits& a,
                const BudgetLimits& b) {
  settings.push_back({"budget.disk", kRestart, a.disk != b.disk});
  settings.push_back({"budget.disk_free", kReload, a.disk_free != b.disk_free});
  settings.push_back({"budget.inodes_free", kReload, a.inodes_free != b.inodes_free});
  settings.push_back({"budget.memory", kReload, a.memory != b.memory});
  settings.push_back({"budget.flash_per_day", kRestart, a.flash_per_day != b.flash_per_day});
  for (std::size_t i = 0; i < kDataClasses; ++i) {
    const auto data = static_cast<DataClass>(i);
    if (data == DataClass::telemetry) continue;  // nothing of it is kept
    const std::string name = "budget." + std::string(to_string(data));
    const bool reload = data == DataClass::tasks ? kReload : kRestart;
    const ClassLimits &x = a.of(data), &y = b.of(data);
    settings.push_back({name, reload, x.items != y.items});
    settings.push_back({name + "_age", reload, x.age != y.age});
    settings.push_back({name + "_on_full", reload, x.on_full != y.on_full});
  }
}

}  // namespace

std::vector<config::Setting> agent_settings(const AgentConfig& a, const AgentConfig& b) {
  bool commands = a.commands != b.commands;
  std::vector<config::Setting> settings = {
      {"agent.device", kRestart, a.agent.device != b.agent.device},
      {"agent.state_dir", kRestart, a.agent.state_dir != b.agent.state_dir},
      {"agent.socket", kRestart, a.agent.socket != b.agent.socket},
      {"agent.log_level", kReload, a.agent.log_level != b.agent.log_level},
      {"agent.grace", kReload, a.agent.grace != b.agent.grace},
      {"agent.telemetry", kRestart, a.agent.telemetry != b.agent.telemetry},
      {"agent.updater_dir", kRestart, a.agent.updater_dir != b.agent.updater_dir},
      {"agent.textfile", kRestart, a.agent.textfile != b.agent.textfile},
      {"agent.workers", kRestart, a.agent.workers != b.agent.workers},
      {"agent.tags", kRestart, a.agent.tags != b.agent.tags},
      {"agent.memory", kRestart, a.agent.memory != b.agent.memory},
      {"broker.uri", kRestart, a.broker.uri != b.broker.uri},
      {"broker.ca", kRestart, a.broker.ca != b.broker.ca},
      {"broker.cert", kRestart, a.broker.cert != b.broker.cert},
      {"broker.key", kRestart, a.broker.key != b.broker.key},
      {"broker.keep_alive", kRestart, a.broker.keep_alive != b.broker.keep_alive},
      {"broker.reconnect_base", kRestart, a.broker.reconnect_base != b.broker.reconnect_base},
      {"broker.reconnect_cap", kRestart, a.broker.reconnect_cap != b.broker.reconnect_cap},
      {"broker.window", kRestart, a.broker.window != b.broker.window},
      {"broker.username", kRestart, a.broker.username != b.broker.username},
      {"broker.password_file", kRestart, a.broker.password_file != b.broker.password_file},
      {"broker.alpn", kRestart, a.broker.alpn != b.broker.alpn},
      {"broker.client_id", kRestart, a.broker.client_id != b.broker.client_id},
      {"broker.topic_prefix", kRestart, a.broker.topic_prefix != b.broker.topic_prefix},
      {"link.bandwidth", kReload, a.link.bandwidth != b.link.bandwidth},
      {"link.metered", kReload, a.link.metered != b.link.metered},
      {"store.max_ready", kRestart, a.store.max_ready != b.store.max_ready},
  };
  add_budget(settings, a.budget, b.budget);
  const std::vector<config::Setting> others = {
      {"limits.clients", kRestart, a.limits.clients != b.limits.clients},
      {"limits.client_frames", kRestart, a.limits.client_frames != b.limits.client_frames},
      {"placement.lease", kReload, a.placement.lease != b.placement.lease},
      {"placement.risk", kReload, a.placement.risk != b.placement.risk},
      {"placement.margin", kReload, a.placement.margin != b.placement.margin},
      {"placement.probe_interval", kReload,
       a.placement.probe_interval != b.placement.probe_interval},
      {"placement.assumed_rtt", kRestart, a.placement.assumed_rtt != b.placement.assumed_rtt},
      {"placement.assumed_bandwidth", kRestart,
       a.placement.assumed_bandwidth != b.placement.assumed_bandwidth},
      {"dispatched_tasks.accept", kRestart, a.dispatched_tasks.accept != b.dispatched_tasks.accept},
      {"dispatched_tasks.kinds", kRestart, a.dispatched_tasks.kinds != b.dispatched_tasks.kinds},
      {"dispatched_tasks.held", kRestart, a.dispatched_tasks.held != b.dispatched_tasks.held},
      {"dispatched_tasks.max_run", kRestart,
       a.dispatched_tasks.max_run != b.dispatched_tasks.max_run},
      {"command.name", kRestart, commands},
      {"command.argv", kRestart, commands},
      {"command.timeout", kRestart, commands},
      {"command.memory", kRestart, commands},
      {"command.cpu_seconds", kRestart, commands},
      {"plugins.files", kRestart, a.plugins != b.plugins},
  };
  settings.insert(settings.end(), others.begin(), others.end());
  return settings;
}

std::vector<std::string> unreloadable_changes(const AgentConfig& old, const AgentConfig& now) {
  return config::unreloadable(agent_settings(old, now));
}

}  // namespace spillway::agent
