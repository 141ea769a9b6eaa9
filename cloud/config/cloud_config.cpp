#include "cloud/config/cloud_config.h"

#include <charconv>

#include "common/config/broker_section.h"
#include "common/config/keys.h"
#include "common/config/kind_sections.h"
#include "spillway/ids.h"

namespace spillway::cloud {
namespace {

using config::File;
using config::Section;

void check_cloud(Section section, const Options& options) {
  if (options.state_dir.empty()) section.refuse("state_dir", "must not be empty");
  // Same rules as for devices: it is a client id and a common name, too.
  if (!check_device_id(options.name)) {
    section.refuse("name", "must be 3 to 63 of a-z, 0-9 and '-', not starting with '-'");
  }
}

void check_http(Section section, const Http& http) {
  if (http.listen.empty()) return;
  const std::optional<Listen> listen = take_apart(http.listen);
  if (!listen) section.refuse("listen", "must be an address and a port, as in \"127.0.0.1:8480\"");
  if (http.cert.empty() != http.key.empty()) {
    section.refuse(http.cert.empty() ? "cert" : "key", "cert and key belong together");
  }
  const bool here = listen && (listen->address.starts_with("127.") || listen->address == "::1");
  if (!here && http.cert.empty()) {
    section.refuse("listen", "beyond this machine it needs TLS: name cert and key");
  }
}

CloudConfig read(File& file) {
  CloudConfig config;
  Options& options = config.options;
  config::read_section(file, "cloud", options);
  config::read_section(file, "cloud", config.daemon);
  check_cloud(file.section("cloud"), options);
  Options::sections([&](std::string_view name, auto section) {
    config::read_section(file, name, options.*section);
  });
  check_http(file.section("http"), options.http);
  config::check_broker(file.section("broker"), options.broker);
  if (options.broker.uri.empty()) {
    file.section("broker").refuse("uri", "must name the broker, as in \"mqtts://host:8883\"");
  }
  config::check_plugins(file.section("plugins"), options.plugins);
  options.commands = config::read_commands(file);
  return config;
}

Result<CloudConfig> read_whole(Result<File> file) {
  if (!file) return file.error();
  CloudConfig config = read(*file);
  if (Status status = file->finish(); !status) return status.error();
  config.settings = file->settings();
  config.reloaded = file->reloaded_keys();
  return config;
}

}  // namespace

std::optional<Listen> take_apart(std::string_view listen) {
  const std::size_t colon = listen.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view address = listen.substr(0, colon), port = listen.substr(colon + 1);
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
  }
  Listen apart{std::string(address)};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), apart.port);
  const bool good = error == std::errc{} && end == port.data() + port.size() && !address.empty();
  return good ? std::optional(apart) : std::nullopt;
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

std::string cloud_example() {
  config::Example example(
      "spillway-cloud's configuration. What stands here are the defaults; a line counts once its "
      "leading # is gone. Durations have a unit (ms, s, min, h, d), sizes too (B, KiB, MiB, GiB, "
      "TiB). Keys marked [reload] are taken up by `systemctl reload spillway-cloud` (SIGHUP); the "
      "others need a restart.");
  const CloudConfig config;
  example.section("cloud", config.options);
  example.section("cloud", config.daemon);
  Options::sections(
      [&](std::string_view name, auto section) { example.section(name, config.options.*section); });
  example.repeated("command", Command{});
  return example.text();
}

}  // namespace spillway::cloud
