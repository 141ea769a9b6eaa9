#include "spillway/loss.h"

namespace spillway {

std::string_view to_string(DataClass data) {
  constexpr std::string_view kNames[] = {"tasks", "results", "events", "telemetry"};
  return kNames[static_cast<std::size_t>(data)];
}

std::string_view to_string(LossCause cause) {
  constexpr std::string_view kNames[kLossCauses] = {
      "disk_budget", "disk_free", "memory", "flash",   "items",   "age",
      "retention",   "deadline",  "store",  "offline", "draining"};
  return kNames[static_cast<std::size_t>(cause)];
}

}  // namespace spillway
