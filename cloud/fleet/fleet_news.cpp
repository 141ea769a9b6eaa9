#include "cloud/fleet/fleet_news.h"

#include <algorithm>
#include <utility>

namespace spillway::cloud {

void FleetNews::on_device(DeviceTable::Slot slot, Device& device, bool state_changed) {
  if (!device.changed && !device.moved) devices_.push_back(slot);
  device.changed = device.changed || state_changed;
  device.moved = true;
  moved_ = true;
}

void FleetNews::on_removed(DeviceTable::Slot slot) {
  std::erase(devices_, slot);
  moved_ = true;
}

void FleetNews::on_event(const FleetEvent& event) {
  if (next_.events.size() < most_) next_.events.push_back(event);
}

void FleetNews::on_alert(Alert alert) {
  if (next_.alerts.size() < most_) next_.alerts.push_back(std::move(alert));
  moved_ = true;
}

void FleetNews::on_task(const OffloadedTask& task) {
  if (listeners_.empty()) return;
  const auto same = [&](const OffloadedTask& other) { return other.id == task.id; };
  const auto found = std::find_if(next_.tasks.rbegin(), next_.tasks.rend(), same);
  if (found != next_.tasks.rend()) {
    *found = task;
  } else if (next_.tasks.size() < kMostTasks) {
    next_.tasks.push_back(task);
  }
  moved_ = true;
}

FleetNews::Subscription FleetNews::subscribe(Listener listener) {
  const auto place = listeners_.insert(listeners_.end(), std::move(listener));
  return Subscription(static_cast<void*>(this),
                      gate_.pass([this, place](void*) { listeners_.erase(place); }));
}

void FleetNews::publish(DeviceTable& table, const std::function<FleetSummary()>& summary) {
  if (listeners_.empty()) return forget(table);
  if (!std::exchange(moved_, false)) return;
  // What changed of a device's state comes first, so that a cap cuts mere numbers.
  std::stable_partition(devices_.begin(), devices_.end(),
                        [&](DeviceTable::Slot slot) { return table.at(slot).changed; });
  for (const DeviceTable::Slot slot : devices_) {
    Device& device = table.at(slot);
    device.changed = device.moved = false;
    if (next_.devices.size() < most_) next_.devices.push_back(row_of(device));
  }
  next_.more = devices_.size() > next_.devices.size();
  devices_.clear();
  next_.id += 1;
  next_.summary = summary();
  const FleetChange ready = std::exchange(next_, {.id = next_.id});
  // A listener may end its subscription, or another's.
  const std::vector<Listener> calls(listeners_.begin(), listeners_.end());
  for (const Listener& call : calls) call(ready);
}

void FleetNews::forget(DeviceTable& table) {
  for (const DeviceTable::Slot slot : devices_) {
    table.at(slot).changed = table.at(slot).moved = false;
  }
  devices_.clear();
  next_ = {.id = next_.id};
}

}  // namespace spillway::cloud
