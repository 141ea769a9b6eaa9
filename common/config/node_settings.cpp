#include "common/config/node_settings.h"

#include <algorithm>

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

std::vector<std::string> changed(const Settings& old, const Settings& now) {
  std::vector<std::string> keys;
  const auto look = [&keys](const Settings& from, const Settings& in, bool values) {
    for (const auto& [key, setting] : from) {
      const auto other = in.find(key);
      if (other == in.end() || (values && other->second != setting)) keys.push_back(key);
    }
  };
  look(now, old, true);
  look(old, now, false);  // keys of sections that may repeat, the last of which went
  std::sort(keys.begin(), keys.end());
  return keys;
}

std::vector<std::string> need_restart(const Settings& old, const Settings& now,
                                      std::span<const std::string_view> reloadable) {
  std::vector<std::string> keys = changed(old, now);
  std::erase_if(keys, [&](const std::string& key) {
    return std::find(reloadable.begin(), reloadable.end(), key) != reloadable.end();
  });
  return keys;
}

}  // namespace spillway::config
