#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cloud/api/call.h"

namespace spillway::cloud::api {

class Service;

// One operation of openapi.json.
struct Route {
  Method method;
  std::string_view path;  // below /api/v1
  std::string_view operation;
  std::optional<Scope> scope;  // none: open to everybody
  void (*run)(Service&, const Call&, const Answer&);
  bool keeps_keys = false;  // what it makes is on disk under its Idempotency-Key
};

std::span<const Route> fleet_routes();
std::span<const Route> path_routes();
std::span<const Route> device_routes();
std::span<const Route> dispatched_routes();
std::span<const Route> alert_routes();
std::span<const Route> access_routes();
std::span<const Route> cloud_routes();

struct Match {
  const Route* route = nullptr;
  std::map<std::string, std::string, std::less<>> parameters;
  std::string allowed;  // methods of that path, when the path is known and the method is not
};
Match find_route(Method method, std::string_view path);
void each_route(const std::function<void(const Route&)>& call);

}  // namespace spillway::cloud::api
