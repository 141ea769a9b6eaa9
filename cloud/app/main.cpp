#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "cloud/app/composition.h"
#include "cloud/config/cloud_config.h"
#include "common/config/nearest.h"
#include "common/crypto/certificate.h"
#include "common/kinds/builtin.h"
#include "common/kinds/named.h"
#include "common/mqtt/password.h"
#include "common/process/daemon.h"
#include "common/process/log.h"
#include "common/process/memory.h"
#include "spillway/version.h"

namespace spillway::cloud {
namespace {

using process::Level;

constexpr char kExamples[] =
    "Examples:\n"
    "  spillway-cloud                              with /etc/spillway-cloud/cloud.toml\n"
    "  spillway-cloud --config ./cloud.toml        with a file of one's own\n"
    "  spillway-cloud --check --config ./cloud.toml  only say whether the file is right\n"
    "  spillway-cloud --link                       the same, and a link to log in\n"
    "Signals: SIGTERM stops what runs, within [cloud] grace, and ends; SIGHUP reads the file "
    "again.";

int refuse(const Error& error) {
  std::fprintf(stderr, "spillway-cloud: %s\n", error.message.c_str());
  return 1;
}

Options options_from(const CloudConfig& config) {
  Options options;
  options.state_dir = config.cloud.state_dir;
  options.name = config.cloud.name;
  options.workers = config.cloud.workers;
  options.memory = config.cloud.memory;
  options.tags = config.cloud.tags;
  options.max_queue = config.cloud.max_queue;
  options.max_run = config.cloud.max_run;
  options.offload = config.cloud.kinds;
  options.memory_budget = config.budget.memory;
  options.ledger_disk = config.budget.ledger;
  options.dispatched_disk = config.budget.dispatched;
  options.fleet_disk = config.budget.fleet;
  options.reconnect_floor = config.cloud.reconnect_floor;
  options.uplink = config.cloud.uplink;
  const config::BrokerSection& broker = config.broker;
  options.broker.uri = broker.uri;
  if (!broker.ca.empty()) options.broker.tls = mqtt::Tls{broker.ca, broker.cert, broker.key};
  options.broker.user = broker.username;
  options.broker.password_file = broker.password_file;
  options.broker.alpn = broker.alpn;
  options.broker.client_id = broker.client_id;
  options.broker.topic_prefix = broker.topic_prefix;
  options.broker.keep_alive = std::chrono::duration_cast<std::chrono::seconds>(broker.keep_alive);
  options.link.backoff_base = broker.reconnect_base;
  options.link.backoff_cap = broker.reconnect_cap;
  options.link.window = broker.window;
  for (const config::CommandSection& command : config.commands) {
    kinds::CommandOptions program;
    program.name = command.name;
    program.argv = command.argv;
    program.timeout = command.timeout;
    program.memory = command.memory;
    program.cpu = command.cpu;
    options.commands.push_back(std::move(program));
  }
  options.plugins = config.plugins.files;
  if (!config.http.listen.empty()) {
    http::ServerOptions server;
    server.address = config.http.address;
    server.port = config.http.port;
    server.max_connections = config.http.max_connections;
    if (!config.http.cert.empty()) {
      server.tls = http::TlsFiles{config.http.cert, config.http.key};
    }
    options.http = std::move(server);
    options.http_names = config.http.names;
    options.open_metrics = config.http.open_metrics;
  }
  return options;
}

void reload(const std::string& path, CloudConfig& current, Composition& composition) {
  Result<CloudConfig> read = load_cloud_config(path);
  if (!read) {
    return process::log(Level::error, "the configuration was not reloaded",
                        {{"problem", read.error().message}});
  }
  for (const std::string& key :
       config::need_restart(current.settings, read->settings, kReloadable)) {
    process::log(Level::warning, "this change takes effect at the next start", {{"key", key}});
  }
  process::logger().set_level(read->cloud.log_level);
  composition.node().set_max_queue(read->cloud.max_queue);
  composition.node().set_pace(read->cloud.reconnect_floor, read->cloud.uplink);
  current = *std::move(read);
  process::log(Level::info, "configuration reloaded", {{"file", path}});
}

int serve(const std::string& path, CloudConfig config, bool link) {
  process::logger().set_level(config.cloud.log_level);
  process::Loop loop;
  Options options = options_from(config);
  options.one_time_link = link;
  auto composition = Composition::open(options, loop);
  if (!composition && link && composition.error().code == Code::busy) {
    return refuse(fail(Code::busy, composition.error().message +
                                       "; a link is made at a start only. Without stopping it, a "
                                       "token of scope admin makes others: spwctl token create"));
  }
  if (!composition) return refuse(composition.error());
  process::Timer trimming;
  auto start = [&]() -> Status {
    if (Status started = (*composition)->start(); !started) return started;
    process::keep_trimming(loop, trimming);
    process::log(
        Level::info, "running",
        {{"name", config.cloud.name}, {"version", kVersion}, {"broker", config.broker.uri}});
    return {};
  };
  Status served = process::run_daemon(
      loop, {.start = start,
             .drain = [&](std::function<void()> done) { (*composition)->drain(std::move(done)); },
             .abandon = [&] { (*composition)->abandon(); },
             .reload = [&] { reload(path, config, **composition); },
             .grace = [&] { return config.cloud.grace; }});
  if (!served) return refuse(served.error());
  (*composition)->close();
  process::log(Level::info, "stopped");
  // Nothing in a process ends a body that does not heed being told.
  if ((*composition)->abandoned()) std::_Exit(0);
  return 0;
}

// Whether the kinds that devices may offload are here; which ones a plugin brings shows when it is
// loaded.
Status check_kinds(const CloudConfig& config) {
  if (!config.plugins.files.empty()) return {};
  kinds::KindRegistry known;
  kinds::add_builtin_kinds(known);
  std::vector<std::string> programs;
  for (const config::CommandSection& command : config.commands) programs.push_back(command.name);
  return kinds::check_named(known, programs, config.cloud.kinds, "[cloud] kinds");
}

int run(int argc, char** argv) {
  CLI::App app("Takes what devices offer, runs it, and answers until they have it",
               "spillway-cloud");
  std::string path = "/etc/spillway-cloud/cloud.toml";
  bool check = false, link = false;
  app.add_option("-c,--config", path, "Configuration file (TOML)")->capture_default_str();
  app.add_flag("--check", check,
               "Say whether the configuration is right, and what it keeps secret is, and end");
  app.add_flag("--link", link,
               "Start with a link that logs in once, though there are tokens; not while it runs");
  app.set_version_flag("--version", std::string("spillway-cloud ") + kVersion);
  app.footer(kExamples);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "spillway-cloud: %s\n", config::wrong_usage(app, error.what()).c_str());
    return 2;
  }
  Result<CloudConfig> config = load_cloud_config(path);
  if (!config && config.error().code == Code::not_found) {
    return refuse(fail(Code::not_found, config.error().message + "; name another with --config"));
  }
  if (!config) return refuse(config.error());
  if (check) {
    const config::BrokerSection& broker = config->broker;
    Status secrets = mqtt::check_secrets(broker.password_file, broker.key);
    if (secrets) secrets = mqtt::check_secrets("", config->http.key);
    if (secrets) secrets = crypto::check_pair(broker.cert, broker.key);
    if (secrets) secrets = crypto::check_pair(config->http.cert, config->http.key);
    if (!secrets) return refuse(secrets.error());
    if (Status named = check_kinds(*config); !named) return refuse(named.error());
    return std::printf("%s is right\n", path.c_str()), 0;
  }
  return serve(path, *std::move(config), link);
}

}  // namespace
}  // namespace spillway::cloud

int main(int argc, char** argv) { return spillway::cloud::run(argc, argv); }
