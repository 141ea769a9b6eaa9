#include "cloud/fleet/fleet_store.h"

namespace spillway::cloud {

bool FleetBatch::empty() const {
  return devices.empty() && dropped_devices.empty() && sessions.empty() && events.empty() &&
         minutes.empty() && fleet_minutes.empty() && fleet_quarters.empty() && losses.empty() &&
         alerts.empty() && rules.empty() && dropped_rules.empty() && silences.empty() &&
         dropped_silences.empty();
}

}  // namespace spillway::cloud
