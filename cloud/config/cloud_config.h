#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/config/options.h"
#include "common/config/file.h"
#include "common/config/node_settings.h"
#include "spillway/status.h"

// spillway-cloud's configuration file. cloud.toml beside this file is cloud_example().
namespace spillway::cloud {

struct CloudConfig {
  Options options;
  config::Daemon daemon;
  config::Settings settings;          // all of it
  std::vector<std::string> reloaded;  // the keys that SIGHUP applies; the others need a restart
};

// A missing file is not_found; what is wrong inside is one line, `file:line: section.key: …`.
Result<CloudConfig> load_cloud_config(const std::string& path);
Result<CloudConfig> parse_cloud_config(std::string_view text, const std::string& name);

// Every key, as "section.key", sorted.
std::vector<std::string> cloud_config_keys();
// Every key with its default, as a comment that explains it.
std::string cloud_example();

// What [http] listen says: "127.0.0.1:8480" or "[::1]:8480".
struct Listen {
  std::string address;
  std::uint16_t port = 0;
};
std::optional<Listen> take_apart(std::string_view listen);

}  // namespace spillway::cloud
