#include "cloud/config/cloud_config.h"

#include <charconv>

#include "spillway/ids.h"

namespace spillway::cloud {
namespace {

using namespace std::chrono_literals;
using config::File;
using config::Section;

CloudSection read_cloud(File& file) {
  CloudSection cloud;
  Section section = file.section("cloud");
  cloud.state_dir = section.path("state_dir", cloud.state_dir);
  if (cloud.state_dir.empty()) section.refuse("state_dir", "must not be empty");
  cloud.name = section.text("name", cloud.name);
  // Same rules as for devices: it is a client id and a common name, too.
  if (Result<std::string> name = check_device_id(cloud.name); !name) {
    section.refuse("name", "must be 3 to 63 of a-z, 0-9 and '-', not starting with '-'");
  }
  cloud.log_level = config::read_log_level(section);
  cloud.grace = section.duration("grace", cloud.grace, 0ms, 1h);
  cloud.workers = section.integer("workers", cloud.workers, 0u, config::kMaxWorkers);
  cloud.tags = config::read_tags(section);
  cloud.memory = section.bytes("memory", cloud.memory, 0, 1ULL << 50);
  cloud.max_queue = section.integer("max_queue", cloud.max_queue, 1u, 10'000'000u);
  cloud.max_run = section.duration("max_run", cloud.max_run, 0ms, 366 * 24h);
  cloud.kinds = section.list("kinds", 256, 64);
  cloud.reconnect_floor = section.duration("reconnect_floor", cloud.reconnect_floor, 0ms, 24h);
  cloud.uplink = section.bytes("uplink", cloud.uplink, 0, 1ULL << 40);
  return cloud;
}

BudgetSection read_budget(File& file) {
  BudgetSection budget;
  Section section = file.section("budget");
  budget.memory = section.bytes("memory", budget.memory, 1 << 20, 1ULL << 50);
  budget.ledger = section.bytes("ledger", budget.ledger, 16 << 20, 1ULL << 50);
  budget.dispatched = section.bytes("dispatched", budget.dispatched, 16 << 20, 1ULL << 50);
  budget.fleet = section.bytes("fleet", budget.fleet, 16 << 20, 1ULL << 50);
  return budget;
}

// "127.0.0.1:8480" or "[::1]:8480".
bool take_apart(HttpSection& http) {
  std::size_t colon = http.listen.rfind(':');
  if (colon == std::string::npos) return false;
  std::string_view port = std::string_view(http.listen).substr(colon + 1);
  auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), http.port);
  http.address = http.listen.substr(0, colon);
  if (http.address.starts_with('[') && http.address.ends_with(']')) {
    http.address = http.address.substr(1, http.address.size() - 2);
  }
  return error == std::errc{} && end == port.data() + port.size() && !http.address.empty();
}

HttpSection read_http(File& file) {
  HttpSection http;
  Section section = file.section("http");
  http.listen = section.text("listen", http.listen);
  http.cert = section.path("cert");
  http.key = section.path("key");
  http.names = section.list("names", 100, 253);
  http.open_metrics = section.flag("open_metrics", http.open_metrics);
  http.max_connections = section.integer("max_connections", http.max_connections, 16u, 1'000'000u);
  if (http.listen.empty()) return http;
  if (!take_apart(http)) {
    section.refuse("listen", "must be an address and a port, as in \"127.0.0.1:8480\"");
  }
  if (http.cert.empty() != http.key.empty()) {
    section.refuse(http.cert.empty() ? "cert" : "key", "cert and key belong together");
  }
  bool here = http.address.starts_with("127.") || http.address == "::1";
  if (!here && http.cert.empty()) {
    section.refuse("listen", "beyond this machine it needs TLS: name cert and key");
  }
  return http;
}

CloudConfig read(File& file) {
  CloudConfig config;
  config.cloud = read_cloud(file);
  config.budget = read_budget(file);
  config.http = read_http(file);
  config.broker = config::read_broker_section(file, default_broker());
  if (config.broker.uri.empty()) {
    file.section("broker").refuse("uri", "must name the broker, as in \"mqtts://host:8883\"");
  }
  config.commands = config::read_command_sections(file);
  config.plugins = config::read_plugins_section(file);
  return config;
}

Result<CloudConfig> read_whole(Result<File> file) {
  if (!file) return file.error();
  CloudConfig config = read(*file);
  if (Status status = file->finish(); !status) return status.error();
  return config;
}

// Whether a running aggregator can take a change.
constexpr bool kReload = true;
constexpr bool kRestart = false;

}  // namespace

config::BrokerSection default_broker() {
  config::BrokerSection broker;
  broker.uri = "mqtts://localhost:8883";
  broker.ca = "/etc/spillway-cloud/ca.pem";
  broker.cert = "/etc/spillway-cloud/cloud.pem";
  broker.key = "/etc/spillway-cloud/cloud.key";
  return broker;
}

Result<CloudConfig> load_cloud_config(const std::string& path) {
  return read_whole(File::read(path));
}

Result<CloudConfig> parse_cloud_config(std::string_view text, const std::string& name) {
  return read_whole(File::parse(text, name));
}

std::vector<std::string> cloud_config_keys() {
  Result<File> file = File::parse("[[command]]", "");
  read(*file);
  return file->known_keys();
}

std::vector<config::Setting> cloud_settings(const CloudConfig& a, const CloudConfig& b) {
  bool commands = a.commands != b.commands;
  return {
      {"cloud.state_dir", kRestart, a.cloud.state_dir != b.cloud.state_dir},
      {"cloud.name", kRestart, a.cloud.name != b.cloud.name},
      {"cloud.log_level", kReload, a.cloud.log_level != b.cloud.log_level},
      {"cloud.grace", kReload, a.cloud.grace != b.cloud.grace},
      {"cloud.workers", kRestart, a.cloud.workers != b.cloud.workers},
      {"cloud.tags", kRestart, a.cloud.tags != b.cloud.tags},
      {"cloud.memory", kRestart, a.cloud.memory != b.cloud.memory},
      {"cloud.max_queue", kReload, a.cloud.max_queue != b.cloud.max_queue},
      {"cloud.max_run", kRestart, a.cloud.max_run != b.cloud.max_run},
      {"cloud.kinds", kRestart, a.cloud.kinds != b.cloud.kinds},
      {"cloud.reconnect_floor", kReload, a.cloud.reconnect_floor != b.cloud.reconnect_floor},
      {"cloud.uplink", kReload, a.cloud.uplink != b.cloud.uplink},
      {"budget.memory", kRestart, a.budget.memory != b.budget.memory},
      {"budget.ledger", kRestart, a.budget.ledger != b.budget.ledger},
      {"budget.dispatched", kRestart, a.budget.dispatched != b.budget.dispatched},
      {"budget.fleet", kRestart, a.budget.fleet != b.budget.fleet},
      {"http.listen", kRestart, a.http.listen != b.http.listen},
      {"http.cert", kRestart, a.http.cert != b.http.cert},
      {"http.key", kRestart, a.http.key != b.http.key},
      {"http.names", kRestart, a.http.names != b.http.names},
      {"http.open_metrics", kRestart, a.http.open_metrics != b.http.open_metrics},
      {"http.max_connections", kRestart, a.http.max_connections != b.http.max_connections},
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
      {"command.name", kRestart, commands},
      {"command.argv", kRestart, commands},
      {"command.timeout", kRestart, commands},
      {"command.memory", kRestart, commands},
      {"command.cpu_seconds", kRestart, commands},
      {"plugins.files", kRestart, a.plugins != b.plugins},
  };
}

std::vector<std::string> unreloadable_changes(const CloudConfig& old, const CloudConfig& now) {
  return config::unreloadable(cloud_settings(old, now));
}

}  // namespace spillway::cloud
