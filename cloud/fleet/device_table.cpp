#include "cloud/fleet/device_table.h"

#include <algorithm>
#include <cstring>

namespace spillway::cloud {

DeviceName::DeviceName(std::string_view name) {
  name = name.substr(0, sizeof text_);
  std::memcpy(text_, name.data(), name.size());
  size_ = std::uint8_t(name.size());
}

std::optional<SessionEnd> bar_of(const DeviceMarks& marks) {
  if (marks.revoked) return SessionEnd::revoked;
  if (marks.quarantined) return SessionEnd::quarantined;
  return std::nullopt;
}

const DeviceMarks& Device::said() const {
  static const DeviceMarks kNothing;
  return marks ? *marks : kNothing;
}

Duration Device::patience() const {
  Duration interval = std::chrono::seconds(frames.interval_s);
  return 3 * interval + interval / 10;
}

DeviceTable::Slot DeviceTable::find(std::string_view name) const {
  auto found = by_text_.find(name);
  return found == by_text_.end() ? kNone : found->second;
}

DeviceTable::Slot DeviceTable::add(std::string_view name) {
  Slot slot = 0;
  if (free_.empty()) {
    slot = Slot(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  Device& device = slots_[slot].emplace(name);
  by_text_.emplace(device.name.view(), slot);
  by_name_.push_back(slot);
  count(device);
  return slot;
}

void DeviceTable::remove(Slot slot) {
  sort_names();
  discount(*slots_[slot]);
  by_name_.erase(std::find(by_name_.begin(), by_name_.end(), slot));
  sorted_ = by_name_.size();
  by_text_.erase(slots_[slot]->name.view());
  slots_[slot].reset();
  free_.push_back(slot);
}

void DeviceTable::count(const Device& device) {
  health_[std::size_t(device.health)] += 1;
  online_ += device.presence.online;
  for (std::size_t i = 0; i < kReasons; ++i) reasons_[i] += device.reasons.has(Reason(i));
}

void DeviceTable::discount(const Device& device) {
  health_[std::size_t(device.health)] -= 1;
  online_ -= device.presence.online;
  for (std::size_t i = 0; i < kReasons; ++i) reasons_[i] -= device.reasons.has(Reason(i));
}

void DeviceTable::sort_names() const {
  if (sorted_ == by_name_.size()) return;
  auto before = [this](Slot a, Slot b) { return at(a).name.view() < at(b).name.view(); };
  auto middle = by_name_.begin() + std::ptrdiff_t(sorted_);
  std::sort(middle, by_name_.end(), before);
  std::inplace_merge(by_name_.begin(), middle, by_name_.end(), before);
  sorted_ = by_name_.size();
}

}  // namespace spillway::cloud
