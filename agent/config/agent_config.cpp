#include "agent/config/agent_config.h"

#include <unistd.h>

#include "common/config/broker_section.h"
#include "common/config/keys.h"
#include "common/config/kind_sections.h"
#include "spillway/ids.h"
#include "spillway/place.h"

namespace spillway::agent {
namespace {

using namespace std::chrono_literals;
using config::File;
using config::Section;

// sockaddr_un's path, without its NUL.
constexpr std::size_t kLongestSocket = 107;

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

// Where the program differs from the library, which has none of these of its own.
Options program_defaults() {
  Options options;
  options.state_dir = "/var/lib/spillway";
  options.socket = "/run/spillway/agent.sock";
  options.updater_dir = "/var/lib/spillway-ota";
  return options;
}

void check_agent(Section section, Options& options) {
  if (!section.has("device")) options.device = device_from_host(host_name());
  if (Result<std::string> device = check_device_id(options.device); !device) {
    section.refuse("device", device.error().message);
  } else if (class_of(*device) != PlaceClass::device) {
    section.refuse("device", "'" + *device + "' is what another place is called");
  }
  if (options.state_dir.empty()) section.refuse("state_dir", "must not be empty");
  if (options.socket.size() > kLongestSocket) section.refuse("socket", "at most 107 bytes");
  // The shortest interval that the cloud takes (common/wire/telemetry_codec.cpp).
  if (options.telemetry > 0ms && options.telemetry < 1s) {
    section.refuse("telemetry", "at least 1s, or 0s for none");
  }
}

AgentConfig read(File& file) {
  AgentConfig config{.options = program_defaults()};
  Options& options = config.options;
  config::read_section(file, "agent", options);
  config::read_section(file, "agent", config.daemon);
  check_agent(file.section("agent"), options);
  Options::sections([&](std::string_view name, auto section) {
    config::read_section(file, name, options.*section);
  });
  config::check_broker(file.section("broker"), options.broker);
  config::check_plugins(file.section("plugins"), options.plugins);
  options.commands = config::read_commands(file);
  return config;
}

Result<AgentConfig> read_whole(Result<File> file) {
  if (!file) return file.error();
  AgentConfig config = read(*file);
  if (Status status = file->finish(); !status) return status.error();
  config.settings = file->settings();
  config.reloaded = file->reloaded_keys();
  return config;
}

}  // namespace

Result<AgentConfig> load_agent_config(const std::string& path) {
  return read_whole(File::read(path));
}

Result<AgentConfig> parse_agent_config(std::string_view text, const std::string& name) {
  return read_whole(File::parse(text, name));
}

std::vector<std::string> agent_config_keys() {
  // A command's keys are asked for once there is one.
  Result<File> file = File::parse("[[command]]", "");
  read(*file);
  return file->known_keys();
}

std::string agent_example() {
  config::Example example(
      "spillway-agent's configuration. What stands here are the defaults; a line counts once its "
      "leading # is gone. Durations have a unit (ms, s, min, h, d), sizes too (B, KiB, MiB, GiB, "
      "TiB). Keys marked [reload] are taken up by `systemctl reload spillway-agent` (SIGHUP); the "
      "others need a restart. `spillway doctor` checks this file.");
  const AgentConfig config{.options = program_defaults()};
  example.section("agent", config.options);
  example.section("agent", config.daemon);
  Options::sections(
      [&](std::string_view name, auto section) { example.section(name, config.options.*section); });
  example.repeated("command", Command{});
  return example.text();
}

std::string device_from_host(std::string_view host) {
  std::string device;
  for (char c : host.substr(0, std::min(host.find('.'), std::size_t{63}))) {
    bool upper = c >= 'A' && c <= 'Z';
    bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (device.empty() && !upper && !plain) continue;
    device += upper ? static_cast<char>(c - 'A' + 'a') : plain ? c : '-';
  }
  const bool good = check_device_id(device) && class_of(device) == PlaceClass::device;
  return good ? device : "device";
}

}  // namespace spillway::agent
