#include "agent/app/options.h"

namespace spillway::agent {

Options options_from(const AgentConfig& config) {
  Options options;
  options.device = config.agent.device;
  options.state_dir = config.agent.state_dir;
  options.socket = config.agent.socket;
  options.telemetry = config.agent.telemetry;
  options.updater_dir = config.agent.updater_dir;
  options.textfile = config.agent.textfile;
  options.workers = config.agent.workers;
  options.tags = config.agent.tags;
  options.memory = config.agent.memory;
  options.max_ready = config.store.max_ready;
  options.max_clients = config.limits.clients;
  options.max_outstanding = config.limits.client_frames;
  options.budget = config.budget;
  options.broker = {
      config.broker.uri,           config.broker.ca,         config.broker.cert,
      config.broker.key,           config.broker.keep_alive, config.broker.reconnect_base,
      config.broker.reconnect_cap, config.broker.window,     config.link.bandwidth,
      config.link.metered,         config.broker.username,   config.broker.password_file,
      config.broker.alpn,          config.broker.client_id,  config.broker.topic_prefix};
  const PlacementSection& placement = config.placement;
  options.placement = {placement.lease,       placement.risk,
                       placement.margin,      placement.probe_interval,
                       placement.assumed_rtt, double(placement.assumed_bandwidth)};
  options.dispatched_tasks = {config.dispatched_tasks.accept, config.dispatched_tasks.kinds,
                              config.dispatched_tasks.held, config.dispatched_tasks.max_run};
  for (const config::CommandSection& command : config.commands) {
    options.commands.push_back(
        {command.name, command.argv, command.timeout, command.memory, command.cpu});
  }
  options.plugins = config.plugins.files;
  return options;
}

}  // namespace spillway::agent
