#pragma once

#include <functional>
#include <memory>

#include "agent/session/device_session.h"

namespace spillway::agent {

// Tells the cloud where the firmware's update stands. The updater goes its own way and may be
// another process: it is looked at, more often while it is busy. Nothing is said of one that was
// never asked for anything. Loop only.
class UpdateWatch {
 public:
  // `update`: none: this device has no updater.
  UpdateWatch(const std::function<wire::UpdateReport()>& update,
              const std::unique_ptr<DeviceSession>& session)
      : update_(update), session_(session) {}

  // The cloud has to be told anew.
  void on_cloud(NodeTime now);
  void on_link_down() { due_ = kNever; }
  NodeTime due() const { return due_; }
  // Looks. True: an update began or ended, so that the device's health changes.
  bool look(NodeTime now);
  bool busy() const { return is_busy(told_.phase); }

 private:
  const std::function<wire::UpdateReport()>& update_;
  const std::unique_ptr<DeviceSession>& session_;
  wire::UpdateReport told_;  // what the cloud has heard
  NodeTime due_ = kNever;
};

}  // namespace spillway::agent
