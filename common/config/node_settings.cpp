#include "common/config/node_settings.h"

namespace spillway::config {

process::Level read_log_level(Section& section) {
  using process::Level;
  return section.choice("log_level", Level::info,
                        {{"error", Level::error},
                         {"warning", Level::warning},
                         {"info", Level::info},
                         {"debug", Level::debug}});
}

std::vector<std::string> read_tags(Section& section) { return section.list("tags", 32, 64); }

std::vector<std::string> unreloadable(const std::vector<Setting>& settings) {
  std::vector<std::string> keys;
  for (const Setting& setting : settings) {
    if (setting.changed && !setting.reloadable) keys.push_back(setting.key);
  }
  return keys;
}

}  // namespace spillway::config
