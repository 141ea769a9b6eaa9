#include "cloud/fleet/fleet_state.h"

namespace spillway::cloud {
namespace {

std::string describe(const wire::UpdateReport& report) {
  std::string text = "update: " + std::string(to_string(report.phase));
  if (!report.detail.empty()) text += ", " + report.detail;
  return text;
}

}  // namespace

// Kept in memory: a device says it again whenever the cloud comes.
void Fleet::on_update(const std::string& device, const wire::UpdateReport& report) {
  State& state = inside();
  const State::Slot slot = state.find_known(device);
  if (slot == DeviceTable::kNone) return;
  Device& known = state.table.at(slot);
  const bool fresh = !known.update || known.update->phase != report.phase;
  known.update = std::make_unique<wire::UpdateReport>(report);
  if (fresh) state.note(&known, FleetEventKind::update, describe(report));
  state.touch(slot, false);
}

}  // namespace spillway::cloud
