#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cloud/fleet/health.h"
#include "cloud/fleet/history.h"
#include "cloud/fleet/presence.h"
#include "cloud/fleet/views.h"

namespace spillway::cloud {

// A device's name in place: 100,000 names on the heap would cost more than the devices' numbers.
class DeviceName {
 public:
  explicit DeviceName(std::string_view name);  // at most 63 bytes, as check_device_id has it
  std::string_view view() const { return {text_, size_}; }

 private:
  char text_[63];
  std::uint8_t size_;
};

// What an operator says of a device.
struct DeviceMarks {
  std::string group;
  std::vector<std::string> labels;  // "key=value", sorted
  bool quarantined = false, revoked = false;
  std::string note;
};
// How what it says ends the sessions of its device; none: it does not.
std::optional<SessionEnd> bar_of(const DeviceMarks& marks);

struct Device {
  explicit Device(std::string_view text) : name(text) {}

  DeviceName name;
  std::uint32_t id = 0;  // in the store; never used again
  PresenceState presence;
  Health health = Health::never_seen;
  Reasons reasons;
  std::optional<SessionEnd> ended;                     // how it went, while offline
  bool dirty = false, changed = false, moved = false;  // to be stored; to be told: state, numbers
  Wall first_seen{}, last_seen{}, since{};
  Wall measured{}, measured_there{};
  std::uint64_t revision = 1;
  struct Frames {
    std::uint64_t latest = 0;       // the newest one's number, within its session
    std::uint32_t interval_s = 10;  // between two
    bool unborn = false;            // one began its session: its birth, and boot, are not known yet
  };
  Frames frames;
  wire::Metrics metrics;
  HealthMemory memory;
  std::shared_ptr<const wire::Presence> birth;  // shared by all that say the same
  std::shared_ptr<const std::string> kernel;
  std::unique_ptr<DeviceMarks> marks;  // null: nothing was said
  std::unique_ptr<std::vector<LossTotal>> losses;
  std::unique_ptr<wire::UpdateReport> update;  // null: it said nothing of one
  std::vector<std::uint8_t> cores;
  std::unique_ptr<DeviceHistory> history;  // once it has measured

  const DeviceMarks& said() const;
  Duration patience() const;  // silence beyond this is three missed heartbeats
};

// Equal values once, for as long as somebody holds them. Which values exist is up to devices, but
// there are never more than devices.
template <class T>
class Interned {
 public:
  std::shared_ptr<const T> get(std::string key, T value) {
    std::weak_ptr<const T>& slot = all_[key];
    if (auto held = slot.lock()) return held;
    if (all_.size() > 2 * sweep_at_) sweep();
    auto made = std::make_shared<const T>(std::move(value));
    all_[std::move(key)] = made;
    return made;
  }

 private:
  void sweep() {
    std::erase_if(all_, [](const auto& entry) { return entry.second.expired(); });
    sweep_at_ = all_.size() + 64;
  }
  std::unordered_map<std::string, std::weak_ptr<const T>> all_;
  std::size_t sweep_at_ = 64;
};

// All devices, by slot and by name, with totals that follow their health. A slot keeps its number
// until its device is removed. The loop's.
class DeviceTable {
 public:
  using Slot = std::uint32_t;
  static constexpr Slot kNone = ~0U;

  Slot find(std::string_view name) const;
  Slot add(std::string_view name);
  void remove(Slot slot);
  Device& at(Slot slot) { return *slots_[slot]; }
  const Device& at(Slot slot) const { return *slots_[slot]; }
  std::size_t size() const { return by_text_.size(); }
  template <class Use>
  void each(Use use) const {
    for (const auto& slot : slots_) {
      if (slot) use(*slot);
    }
  }
  Slot slots() const { return Slot(slots_.size()); }
  bool used(Slot slot) const { return slots_[slot].has_value(); }

  // Before and after a device's health, presence or reasons change, so that totals follow.
  void discount(const Device& device);
  void count(const Device& device);
  const std::array<std::uint64_t, kHealths>& health() const { return health_; }
  const std::array<std::uint64_t, kReasons>& reasons() const { return reasons_; }
  std::uint64_t online() const { return online_; }

  DevicePage page(const DeviceQuery& query) const;
  DeviceFacets facets(const DeviceFilter& filter) const;
  std::uint64_t count(const DeviceFilter& filter) const;
  std::vector<std::string> names(const DeviceFilter& filter, std::size_t limit) const;

 private:
  void sort_names() const;
  DevicePage page_by_name(const DeviceQuery& query) const;
  DevicePage page_by_value(const DeviceQuery& query) const;

  std::deque<std::optional<Device>> slots_;
  std::vector<Slot> free_;
  std::unordered_map<std::string_view, Slot> by_text_;
  // Sorted by name up to sorted_; what came since is sorted in when somebody asks.
  mutable std::vector<Slot> by_name_;
  mutable std::size_t sorted_ = 0;
  std::array<std::uint64_t, kHealths> health_{};
  std::array<std::uint64_t, kReasons> reasons_{};
  std::uint64_t online_ = 0;
};

DeviceRow row_of(const Device& device);
bool passes(const Device& device, const DeviceFilter& filter);

}  // namespace spillway::cloud
