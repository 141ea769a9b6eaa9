#pragma once

#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "cloud/fleet/device_table.h"
#include "cloud/fleet/views.h"
#include "common/base/gate.h"

namespace spillway::cloud {

// What has changed since those who watch the fleet were last told. One thread.
class FleetNews {
 public:
  using Listener = std::function<void(const FleetChange&)>;
  // A listener is not told any more once its subscription is gone, which may outlive the fleet.
  using Subscription = std::shared_ptr<void>;
  static constexpr std::size_t kMostTasks = 100;

  // Tells so many devices, events and alerts at a time.
  explicit FleetNews(std::size_t most) : most_(most) {}

  void on_device(DeviceTable::Slot slot, Device& device, bool state_changed);
  void on_removed(DeviceTable::Slot slot);
  void on_event(const FleetEvent& event);
  void on_alert(Alert alert);
  void on_task(const OffloadedTask& task);
  void on_summary() { moved_ = true; }

  Subscription subscribe(Listener listener);
  // Tells all, where there is something to tell.
  void publish(DeviceTable& table, const std::function<FleetSummary()>& summary);

 private:
  void forget(DeviceTable& table);

  std::size_t most_;
  std::list<Listener> listeners_;
  std::vector<DeviceTable::Slot> devices_;
  FleetChange next_;
  bool moved_ = false;
  Gate gate_;
};

}  // namespace spillway::cloud
