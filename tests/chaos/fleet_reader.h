#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "cloud/ctl/api.h"
#include "tests/chaos/losses.h"

namespace spillway::chaos {

// A text of a JSON object; empty: it has none of that name.
std::string text(const ctl::json::value& body, const char* name);

// Takes up the link that a new cloud leaves in its folder, waiting for it, and makes a token with
// each of the scopes, in their order.
Result<std::vector<ctl::Api>> log_in(const std::string& cloud_folder,
                                     const std::vector<std::string>& scopes);

// What the cloud tells of its devices, asked over its HTTP API with a token of its own. One thread.
class FleetReader {
 public:
  explicit FleetReader(ctl::Api api) : api_(std::move(api)) {}
  // What the cloud knows of what a device gave up.
  Result<LossSums> losses(const std::string& device);
  // Waits until the cloud counts the same as the device whose agent listens at `socket`: exactly,
  // but for what was kept as long as was asked for. What differs for ever; nothing: nothing does.
  std::optional<std::string> differs(const std::string& socket, const std::string& device,
                                     std::chrono::milliseconds patience);

 private:
  ctl::Api api_;
};

}  // namespace spillway::chaos
