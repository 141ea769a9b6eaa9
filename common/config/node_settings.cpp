#include "common/config/node_settings.h"

#include <algorithm>

namespace spillway::config {

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
                                      const std::vector<std::string>& reloaded) {
  std::vector<std::string> keys = changed(old, now);
  std::erase_if(keys, [&](const std::string& key) {
    return std::find(reloaded.begin(), reloaded.end(), key) != reloaded.end();
  });
  return keys;
}

}  // namespace spillway::config
