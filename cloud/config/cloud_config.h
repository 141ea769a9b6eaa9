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
#include "spillway/status.h"

// spillway-cloud's configuration file, one struct per section. cloud.toml beside this file explains
// every key.
namespace spillway::cloud {

struct CloudSection {
  std::string state_dir = "/var/lib/spillway-cloud";
  std::string name = "cloud";  // MQTT client id, and the certificate's common name
  process::Level log_level = process::Level::info;
  std::chrono::milliseconds grace = std::chrono::seconds(10);  // to drain on SIGTERM
  unsigned workers = 0;                                        // 0: what the process may use
  std::vector<std::string> tags;
  std::uint64_t memory = 0;          // bytes offered to tasks; 0: what the machine has
  std::uint32_t max_queue = 10'000;  // attempts accepted and not finished; the credits
  std::chrono::milliseconds max_run =
      std::chrono::hours(24);                    // of what devices offload; 0: no limit
  std::vector<std::string> kinds;                // that devices may offload; none: all
  std::chrono::milliseconds reconnect_floor{0};  // no device reconnects sooner
  std::uint64_t uplink = 0;  // bytes per second of all devices together; 0: no limit
};

// What the cloud may take for what devices and operators send it.
struct BudgetSection {
  std::uint64_t memory = 512ULL << 20;    // of tasks that devices offload, and their results
  std::uint64_t ledger = 4ULL << 30;      // of ledger.db
  std::uint64_t dispatched = 1ULL << 30;  // of sent.db
  std::uint64_t fleet = 4ULL << 30;       // of fleet.db
};

// Where the API and the dashboard are served.
struct HttpSection {
  std::string listen = "127.0.0.1:8480";  // address:port; empty: nowhere
  std::string address = "127.0.0.1";      // of listen, taken apart
  std::uint16_t port = 8480;
  std::string cert, key;           // PEM; both or none
  std::vector<std::string> names;  // that the server answers to, besides those of cert
  bool open_metrics = false;       // to this machine, without a token
  std::uint32_t max_connections = 4096;
};

// A cloud needs a broker: by default one on the same machine, with mutual TLS.
config::BrokerSection default_broker();

struct CloudConfig {
  CloudSection cloud;
  BudgetSection budget;
  HttpSection http;
  config::BrokerSection broker = default_broker();
  std::vector<config::CommandSection> commands;
  config::PluginsSection plugins;
  config::Settings settings;  // all of it
};

// A missing file is not_found; what is wrong inside is one line, `file:line: section.key: …`.
Result<CloudConfig> load_cloud_config(const std::string& path);
Result<CloudConfig> parse_cloud_config(std::string_view text, const std::string& name);

// Every key, as "section.key", sorted.
std::vector<std::string> cloud_config_keys();
// The keys that SIGHUP applies; the others need a restart.
inline constexpr std::string_view kReloadable[] = {
    "cloud.log_level", "cloud.grace", "cloud.max_queue", "cloud.reconnect_floor", "cloud.uplink"};

}  // namespace spillway::cloud
