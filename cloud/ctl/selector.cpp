#include "cloud/ctl/selector.h"

#include <algorithm>
#include <boost/json.hpp>

namespace spillway::ctl {
namespace {

json::array split(const std::string& text) {
  json::array items;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t comma = std::min(text.find(',', at), text.size());
    if (comma > at) items.emplace_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return items;
}

}  // namespace

json::object selector(const Words& words) {
  json::object select;
  const auto put = [&](const char* name, const std::string& value) {
    if (!value.empty()) select[name] = value;
  };
  const auto put_list = [&](const char* name, const std::string& value) {
    if (!value.empty()) select[name] = split(value);
  };
  put("q", words.text);
  put("group", words.group);
  put("kind", words.kind);
  put("version", words.version);
  put_list("health", words.health);
  put_list("reason", words.reason);
  put_list("label", words.label);
  if (words.online || words.offline) select["online"] = words.online;
  return select;
}

}  // namespace spillway::ctl
