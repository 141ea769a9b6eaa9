#include "cloud/api/device_selection.h"

#include <algorithm>
#include <boost/json.hpp>

namespace spillway::cloud::api {
namespace {

constexpr std::size_t kLongest = 128;  // bytes of a condition

template <class T, class Parse>
std::vector<T> known(BodyReader& body, const std::string& name, Names names, const Parse& parse) {
  std::vector<T> values;
  auto texts = body.texts(name, names.size(), kLongest);
  if (!texts) return values;
  for (const std::string& text : *texts) {
    if (auto value = parse(text)) {
      values.push_back(*value);
    } else {
      body.refuse(name, none_of(text, names));
    }
  }
  return values;
}

template <class T>
boost::json::array once_each(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  boost::json::array texts;
  for (const T& value : values) {
    if constexpr (std::is_enum_v<T>) {
      texts.emplace_back(to_string(value));
    } else {
      texts.emplace_back(value);
    }
  }
  return texts;
}

}  // namespace

DeviceFilter read_filter(QueryReader& query) {
  DeviceFilter filter;
  filter.health = query.words("health", health_of, health_names());
  filter.reasons = query.words("reason", reason_of, reason_names());
  filter.group = query.text("group").value_or("");
  filter.labels = query.list("label");
  filter.text = query.text("q").value_or("");
  filter.kind = query.text("kind").value_or("");
  filter.tag = query.text("tag").value_or("");
  filter.version = query.text("version").value_or("");
  filter.online = query.flag("online");
  return filter;
}

Result<DeviceFilter> read_filter(const boost::json::object& select) {
  BodyReader body(select);
  DeviceFilter filter;
  filter.health = known<Health>(body, "health", health_names(), health_of);
  filter.reasons = known<Reason>(body, "reason", reason_names(), reason_of);
  filter.group = body.text("group", kLongest).value_or("");
  filter.labels = body.texts("label", 16, kLongest).value_or(std::vector<std::string>());
  filter.text = body.text("q", kLongest).value_or("");
  filter.kind = body.text("kind", kLongest).value_or("");
  filter.tag = body.text("tag", kLongest).value_or("");
  filter.version = body.text("version", kLongest).value_or("");
  filter.online = body.flag("online");
  if (Status read = body.finish(); !read) {
    return fail(Code::invalid_argument, "select." + read.error().message);
  }
  return filter;
}

boost::json::object json_of(DeviceFilter filter) {
  return {{"health", once_each(std::move(filter.health))},
          {"reason", once_each(std::move(filter.reasons))},
          {"group", filter.group},
          {"label", once_each(std::move(filter.labels))},
          {"q", filter.text},
          {"kind", filter.kind},
          {"tag", filter.tag},
          {"version", filter.version},
          {"online", filter.online ? boost::json::value(*filter.online) : nullptr}};
}

}  // namespace spillway::cloud::api
