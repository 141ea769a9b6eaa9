#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "agent/app/composition.h"
#include "agent/config/agent_config.h"
#include "common/base/bundle.h"
#include "common/config/nearest.h"
#include "common/crypto/certificate.h"
#include "common/kinds/builtin.h"
#include "common/kinds/named.h"
#include "common/mqtt/password.h"
#include "common/process/daemon.h"
#include "common/process/log.h"
#include "common/process/memory.h"
#include "spillway/version.h"

namespace spillway::agent {
namespace {

using process::Level;

constexpr char kExamples[] =
    "Examples:\n"
    "  spillway-agent                              with /etc/spillway/agent.toml\n"
    "  spillway-agent --config ./agent.toml        with a file of one's own\n"
    "  spillway-agent --check --config ./agent.toml  only say whether the file is right\n"
    "Signals: SIGTERM stops what runs, within [agent] grace, and ends; SIGHUP reads the file "
    "again.\n"
    "Then: spillway status, spillway doctor.";

int refuse(const Error& error) {
  std::fprintf(stderr, "spillway-agent: %s\n", error.message.c_str());
  return 1;
}

// Applies what can change while running, and says what cannot.
void reload(const std::string& path, AgentConfig& current, Composition& composition) {
  Result<AgentConfig> read = load_agent_config(path);
  if (!read) {
    return process::log(Level::error, "the configuration was not reloaded",
                        {{"problem", read.error().message}});
  }
  for (const std::string& key :
       config::need_restart(current.settings, read->settings, read->reloaded)) {
    process::log(Level::warning, "this change takes effect at the next start", {{"key", key}});
  }
  process::logger().set_level(read->daemon.log_level);
  composition.reconfigure(read->options);
  current = *std::move(read);
  process::log(Level::info, "configuration reloaded", {{"file", path}});
}

constexpr std::size_t kKeptLog = 48 * 1024;  // bytes, for operators of the cloud who ask

int serve(const std::string& path, AgentConfig config) {
  process::logger().set_level(config.daemon.log_level);
  process::logger().keep(kKeptLog);
  process::Loop loop;
  auto composition = Composition::open(config.options, loop);
  if (!composition) return refuse(composition.error());
  process::Timer trimming;
  auto start = [&]() -> Status {
    if (Status started = (*composition)->start(); !started) return started;
    process::keep_trimming(loop, trimming);
    process::log(Level::info, "running",
                 {{"device", config.options.device},
                  {"version", kVersion},
                  {"socket", config.options.socket},
                  {"broker", config.options.broker.uri}});
    return {};
  };
  Status served = process::run_daemon(
      loop, {.start = start,
             .drain = [&](std::function<void()> done) { (*composition)->drain(std::move(done)); },
             .abandon = [&] { (*composition)->abandon(); },
             .reload = [&] { reload(path, config, **composition); },
             .grace = [&] { return config.daemon.grace; }});
  if (!served) return refuse(served.error());
  (*composition)->close();
  process::log(Level::info, "stopped");
  // Nothing in a process ends a body that does not heed being told.
  if ((*composition)->abandoned()) std::_Exit(0);
  return 0;
}

// Whether the kinds that the cloud may have run are here; which ones a plugin brings shows when it
// is loaded.
Status check_kinds(const AgentConfig& config) {
  if (!config.options.plugins.files.empty()) return {};
  kinds::KindRegistry known;
  kinds::add_builtin_kinds(known);
  std::vector<std::string> others = {std::string(kUpdateKind)};
  for (const Command& command : config.options.commands) others.push_back(command.name);
  return kinds::check_named(known, others, config.options.dispatched_tasks.kinds,
                            "[dispatched_tasks] kinds");
}

int run(int argc, char** argv) {
  CLI::App app("Accepts tasks on this device, runs them here or in the cloud", "spillway-agent");
  std::string path = "/etc/spillway/agent.toml";
  bool check = false;
  app.add_option("-c,--config", path, "Configuration file (TOML)")->capture_default_str();
  app.add_flag("--check", check,
               "Say whether the configuration is right, and what it keeps secret is, and end");
  app.set_version_flag("--version", std::string("spillway-agent ") + kVersion);
  app.footer(kExamples);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "spillway-agent: %s\n", config::wrong_usage(app, error.what()).c_str());
    return 2;
  }
  Result<AgentConfig> config = load_agent_config(path);
  if (!config && config.error().code == Code::not_found) {
    return refuse(fail(Code::not_found, config.error().message + "; name another with --config"));
  }
  if (!config) return refuse(config.error());
  if (check) {
    const BrokerOptions& broker = config->options.broker;
    Status secrets = mqtt::check_secrets(broker.password_file, broker.key);
    if (secrets) secrets = crypto::check_pair(broker.cert, broker.key);
    if (!secrets) return refuse(secrets.error());
    if (Status named = check_kinds(*config); !named) return refuse(named.error());
    return std::printf("%s is right\n", path.c_str()), 0;
  }
  return serve(path, *std::move(config));
}

}  // namespace
}  // namespace spillway::agent

int main(int argc, char** argv) {
  spillway::process::keep_heap_small();
  return spillway::agent::run(argc, argv);
}
