#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "agent/ota/agent_device.h"
#include "agent/ota/download.h"
#include "agent/ota/rauc_slots.h"
#include "agent/ota/updater.h"
#include "common/config/nearest.h"
#include "spillway/version.h"

namespace spillway::ota {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  spillway-ota                                 as root, started by init beside the agent\n"
    "  spillway-ota --state-dir /data/ota --offline-grace 120\n"
    "Then: spillway ota status, spillway ota install FILE|URL, spillway ota rollback.";

struct Line {
  std::string directory = kDefaultDirectory;
  std::string socket = "/run/spillway/agent.sock";
  std::string good_file = "/run/spillway-good";
  unsigned healthy_within = 180;
  unsigned offline_grace = 60;
  std::string version_file = "/etc/spillway/version";
  std::string ca;
  unsigned most_mib = 512;
  unsigned most_minutes = 360;
};

// The version of the whole image, where there is one; of this program elsewhere.
std::string version_in_use(const std::string& file) {
  std::ifstream from(file);
  std::string version;
  return std::getline(from, version) && !version.empty() ? version : kVersion;
}

void sleep_for(std::chrono::seconds time) { std::this_thread::sleep_for(time); }

std::chrono::seconds time_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

int refuse(const Error& error) {
  std::fprintf(stderr, "spillway-ota: %s\n", error.message.c_str());
  return 1;
}

int serve(const Line& line) {
  std::error_code error;
  std::filesystem::create_directories(line.directory, error);
  RaucSlots slots;
  AgentDevice device(line.socket, line.directory);
  Download source({.directory = line.directory,
                   .most_bytes = std::uint64_t{line.most_mib} << 20,
                   .most_time = std::chrono::minutes(line.most_minutes),
                   .ca = line.ca,
                   .sleep = sleep_for});
  Updater updater(
      Spool(line.directory),
      {.slots = slots,
       .device = device,
       .source = source,
       .sleep = sleep_for,
       .now = time_now,
       .say = [](const std::string& text) { std::fprintf(stderr, "ota: %s\n", text.c_str()); },
       .known_good = [&line] { std::ofstream(line.good_file) << "good\n"; },
       .version = version_in_use(line.version_file)},
      {std::chrono::seconds(line.healthy_within), std::chrono::seconds(line.offline_grace)});
  Result<bool> go_on = updater.start();
  if (!go_on) return refuse(go_on.error());
  bool ends = !*go_on;
  while (!ends) {
    Result<bool> rebooting = updater.step();
    if (!rebooting) return refuse(rebooting.error());
    ends = *rebooting;
    if (!ends) sleep_for(std::chrono::seconds(1));
  }
  // Started anew after this it would take the reboot for a failure.
  for (;;) ::pause();
}

int run(int argc, char** argv) {
  CLI::App app("Installs firmware on this device, and marks it good when it is", "spillway-ota");
  Line line;
  app.add_option("--state-dir", line.directory, "Requests, progress and downloads")
      ->capture_default_str();
  app.add_option("--socket", line.socket, "The agent's socket")->capture_default_str();
  app.add_option("--good-file", line.good_file, "Made once this start is known to be good")
      ->capture_default_str();
  app.add_option("--healthy-within", line.healthy_within, "Seconds a new version has to get well")
      ->capture_default_str();
  app.add_option("--offline-grace", line.offline_grace, "Seconds after which no link is no fault")
      ->capture_default_str();
  app.add_option("--version-file", line.version_file, "Says which version of the image runs")
      ->capture_default_str();
  app.add_option("--ca", line.ca,
                 "Who vouches for servers of bundles; else whom the system trusts");
  app.add_option("--most-mib", line.most_mib, "MiB a bundle from the network may have")
      ->capture_default_str()
      ->check(CLI::Range(1U, 1U << 20));
  app.add_option("--most-minutes", line.most_minutes, "Minutes a download may take altogether")
      ->capture_default_str()
      ->check(CLI::Range(1U, 60U * 24 * 30));
  app.set_version_flag("--version", std::string("spillway-ota ") + kVersion);
  app.footer(kExamples);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "spillway-ota: %s\n", config::wrong_usage(app, error.what()).c_str());
    return 2;
  }
  if (line.offline_grace >= line.healthy_within) {
    std::fprintf(stderr, "spillway-ota: --offline-grace %u must be less than --healthy-within %u\n",
                 line.offline_grace, line.healthy_within);
    return 2;
  }
  return serve(line);
}

}  // namespace
}  // namespace spillway::ota

int main(int argc, char** argv) { return spillway::ota::run(argc, argv); }
