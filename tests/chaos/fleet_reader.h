#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "cloud/ctl/api.h"
#include "tests/chaos/losses.h"

namespace spillway::chaos {

// What the cloud tells an operator, asked over its HTTP API with a token of its own. One thread.
class FleetReader {
 public:
  // Takes up the link that a new cloud leaves in its folder; waits for it.
  static Result<FleetReader> log_in(const std::string& cloud_folder);
  // What the cloud knows of what a device gave up.
  Result<LossSums> losses(const std::string& device);
  // Waits until the cloud counts the same as the device whose agent listens at `socket`: exactly,
  // but for what was kept as long as was asked for. What differs for ever; nothing: nothing does.
  std::optional<std::string> differs(const std::string& socket, const std::string& device,
                                     std::chrono::milliseconds patience);

 private:
  explicit FleetReader(ctl::Api api) : api_(std::move(api)) {}
  ctl::Api api_;
};

}  // namespace spillway::chaos
