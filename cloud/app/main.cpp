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

void reload(const std::string& path, CloudConfig& current, Composition& composition) {
  Result<CloudConfig> read = load_cloud_config(path);
  if (!read) {
    return process::log(Level::error, "the configuration was not reloaded",
                        {{"problem", read.error().message}});
  }
  for (const std::string& key :
       config::need_restart(current.settings, read->settings, read->reloaded)) {
    process::log(Level::warning, "this change takes effect at the next start", {{"key", key}});
  }
  process::logger().set_level(read->daemon.log_level);
  composition.node().reconfigure(read->options);
  current = *std::move(read);
  process::log(Level::info, "configuration reloaded", {{"file", path}});
}

int serve(const std::string& path, CloudConfig config, bool link) {
  process::logger().set_level(config.daemon.log_level);
  process::Loop loop;
  auto composition = Composition::open(config.options, link, loop);
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
    process::log(Level::info, "running",
                 {{"name", config.options.name},
                  {"version", kVersion},
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

// Whether the kinds that devices may offload are here; which ones a plugin brings shows when it is
// loaded.
Status check_kinds(const CloudConfig& config) {
  if (!config.options.plugins.files.empty()) return {};
  kinds::KindRegistry known;
  kinds::add_builtin_kinds(known);
  std::vector<std::string> programs;
  for (const Command& command : config.options.commands) programs.push_back(command.name);
  return kinds::check_named(known, programs, config.options.kinds, "[cloud] kinds");
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
    const BrokerOptions& broker = config->options.broker;
    Status secrets = mqtt::check_secrets(broker.password_file, broker.key);
    if (secrets) secrets = mqtt::check_secrets("", config->options.http.key);
    if (secrets) secrets = crypto::check_pair(broker.cert, broker.key);
    if (secrets) secrets = crypto::check_pair(config->options.http.cert, config->options.http.key);
    if (!secrets) return refuse(secrets.error());
    if (Status named = check_kinds(*config); !named) return refuse(named.error());
    return std::printf("%s is right\n", path.c_str()), 0;
  }
  return serve(path, *std::move(config), link);
}

}  // namespace
}  // namespace spillway::cloud

int main(int argc, char** argv) { return spillway::cloud::run(argc, argv); }
