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
  config.settings = file->settings();
  return config;
}

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

}  // namespace spillway::cloud
