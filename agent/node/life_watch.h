#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/owner/owner.h"
#include "common/wire/messages.h"

namespace spillway::agent {

// Whether this device's state, or the cloud's, is the newest there is: each remembers the highest
// it heard of the other's store, and tells it what it has forgotten. Loop only.
class LifeWatch {
 public:
  LifeWatch(owner::Owner& owner, const std::vector<KnownLife>& peers, std::string device,
            std::function<void(const std::string& message)> report);

  // What the cloud has to be told of its own life, if anything.
  std::optional<wire::LifeNotice> on_cloud(const wire::Presence& cloud);
  // What the cloud makes of this device's birth. True: the store was restored, and its counts are
  // told under another name from here on.
  bool on(const wire::LifeNotice& notice);
  std::string problem() const;  // empty: none is known

 private:
  std::string begun_text() const;

  owner::Owner& owner_;
  const std::string device_;
  const std::function<void(const std::string& message)> report_;
  std::map<Origin, KnownLife> peers_;           // of clouds, by their store
  std::optional<wire::LifeRemark> begun_anew_;  // what the cloud said of this life, if anything
  bool beyond_doubt_ = false;                   // that, for it knew of the other device by then
  NodeTime cloned_until_{};                     // another device speaks as this one
  NodeTime cloud_restored_until_{};             // shown of the cloud
};

}  // namespace spillway::agent
