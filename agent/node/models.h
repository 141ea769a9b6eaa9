#pragma once

#include <functional>
#include <string>

#include "agent/placement/placement.h"
#include "common/owner/owned_task.h"

namespace spillway::agent {

// What placement has learned, and when that is kept for the next start. Loop only.
class Models {
 public:
  using Keep = std::function<void(const Bytes& models)>;
  // `kept`: by an earlier start; empty: nothing. `keep` is told now and then, and by stop(); none:
  // each start learns anew.
  Models(placement::Policy policy, const Bytes& kept, Keep keep,
         const std::function<void(const std::string& message)>& alarm);

  placement::Placement& placement() { return placement_; }
  const placement::Placement& placement() const { return placement_; }

  // The task ran so long at the place.
  void learn_run(const owner::OwnedTask& task, PlaceId place, Duration ran, NodeTime now);
  NodeTime due() const { return due_; }  // of keep()
  // Hands out what was learned since the last time, if anything.
  void keep();

 private:
  placement::Placement placement_;
  const Keep keep_;
  NodeTime due_ = kNever;
};

}  // namespace spillway::agent
