#include "cloud/api/routes.h"

#include <array>

#include "cloud/http/encoding.h"

namespace spillway::cloud::api {
namespace {

using Values = std::map<std::string, std::string, std::less<>>;

std::array<std::span<const Route>, 7> tables() {
  return {fleet_routes(), path_routes(),   device_routes(), dispatched_routes(),
          alert_routes(), access_routes(), cloud_routes()};
}

// The first segment, which is cut off.
std::string_view take_segment(std::string_view& rest) {
  rest.remove_prefix(1);
  std::size_t slash = rest.find('/');
  std::string_view segment = rest.substr(0, slash);
  rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
  return segment;
}

std::optional<Values> match(std::string_view wanted, std::string_view path) {
  Values values;
  while (!wanted.empty() && !path.empty()) {
    std::string_view want = take_segment(wanted), segment = take_segment(path);
    if (want.empty() || want[0] != '{') {
      if (want != segment) return std::nullopt;
      continue;
    }
    std::optional<std::string> value = http::percent_decode(segment);
    if (!value || value->empty()) return std::nullopt;
    values.emplace(want.substr(1, want.size() - 2), *std::move(value));
  }
  if (!wanted.empty() || !path.empty()) return std::nullopt;
  return values;
}

bool has_parameters(const Route& route) { return route.path.find('{') != std::string_view::npos; }

}  // namespace

void each_route(const std::function<void(const Route&)>& call) {
  for (std::span<const Route> table : tables()) {
    for (const Route& route : table) call(route);
  }
}

Match find_route(Method method, std::string_view path) {
  if (method == Method::head) method = Method::get;
  Match found;
  each_route([&](const Route& route) {
    std::optional<Values> values = match(route.path, path);
    if (!values) return;
    if (route.method != method) {
      found.allowed += (found.allowed.empty() ? "" : ", ") + std::string(to_string(route.method));
      return;
    }
    // "/devices/facets" is not a device's name.
    if (found.route && !has_parameters(*found.route)) return;
    found.route = &route;
    found.parameters = *std::move(values);
  });
  return found;
}

}  // namespace spillway::cloud::api
