#include "cloud/fleet/fleet_store.h"

#include <algorithm>

namespace spillway::cloud {

void FleetRetention::share(std::size_t devices) {
  constexpr std::uint64_t kLeast = 10;
  const auto each = [&](std::uint64_t rows, std::uint64_t most) {
    return std::clamp(rows / std::max<std::size_t>(devices, 1), kLeast, most);
  };
  events_each = each(events_rows, events_each);
  sessions_each = each(sessions_rows, sessions_each);
}

bool FleetBatch::empty() const {
  return devices.empty() && dropped_devices.empty() && sessions.empty() && events.empty() &&
         minutes.empty() && fleet_minutes.empty() && fleet_quarters.empty() && losses.empty() &&
         alerts.empty() && rules.empty() && dropped_rules.empty() && silences.empty() &&
         dropped_silences.empty();
}

}  // namespace spillway::cloud
