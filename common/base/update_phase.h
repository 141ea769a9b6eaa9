#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace spillway {

// How far an update of a device's firmware is. The numbers travel, and the updater keeps the names
// on disk, where the version that a device goes back to reads what the newer one wrote during its
// trial: both are only appended to.
enum class UpdatePhase : std::uint8_t {
  idle,
  downloading,
  verifying,
  draining,
  installing,
  rebooting,    // into the slot that was written
  checking,     // runs in that slot, not yet known to be good
  good,         // the last update is in use
  failed,       // the last update was given up; the detail says why
  rolled_back,  // the last update did not get well, and its slot was left
};
inline constexpr std::array<std::string_view, 10> kUpdatePhases = {
    "idle",      "downloading", "verifying", "draining", "installing",
    "rebooting", "checking",    "good",      "failed",   "rolled_back"};

constexpr std::string_view to_string(UpdatePhase phase) {
  return kUpdatePhases[static_cast<std::size_t>(phase)];
}

// nothing: no phase has that name.
constexpr std::optional<UpdatePhase> find_update_phase(std::string_view name) {
  const auto* const found = std::find(kUpdatePhases.begin(), kUpdatePhases.end(), name);
  if (found == kUpdatePhases.end()) return std::nullopt;
  return static_cast<UpdatePhase>(found - kUpdatePhases.begin());
}

constexpr bool is_busy(UpdatePhase phase) {
  return phase >= UpdatePhase::downloading && phase <= UpdatePhase::checking;
}

}  // namespace spillway
