#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/link/births.h"
#include "common/owner/owner.h"
#include "common/wire/messages.h"

namespace spillway::agent {

// Whether this device's state, or the cloud's, is the newest there is, and the only one: each
// remembers the highest it heard of the other's store, and tells it what it cannot know. Loop only.
class LifeWatch {
 public:
  LifeWatch(owner::Owner& owner, const store::Recovered& recovered, std::string device,
            std::function<void(const std::string& message)> report);

  // What the cloud has to be told of its own life, if anything.
  std::optional<wire::LifeNotice> on_cloud(const wire::Presence& cloud);
  // What the cloud makes of this device's birth. True: the store was restored, and its counts are
  // told under another name from here on.
  bool on(const wire::LifeNotice& notice);
  std::string problem() const;  // empty: none is known
  std::string forgot() const;   // what this device's state lost that way; empty: nothing known
  std::string missing() const;  // forgot(), and what damage has cost: for who misses a task

 private:
  std::optional<wire::LifeRemark> judge(const wire::Presence& cloud);

  owner::Owner& owner_;
  const std::string device_;
  const std::string damage_;  // of the store; empty: none
  const std::function<void(const std::string& message)> report_;
  std::map<Origin, KnownLife> peers_;  // of clouds, by their store
  link::Births births_;                // of the cloud
  std::string cloud_forgot_;           // what is said of its state
  NodeTime cloud_forgot_until_{};
  NodeTime two_clouds_until_{};                 // another cloud speaks as this one's
  std::optional<wire::LifeRemark> begun_anew_;  // what the cloud said of this life, if anything
  bool beyond_doubt_ = false;                   // the cloud knew of the other device by then
  NodeTime cloned_until_{};                     // another device speaks as this one
};

}  // namespace spillway::agent
