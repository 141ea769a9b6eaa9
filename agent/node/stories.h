#pragma once

#include <memory>

#include "agent/node/clock_watch.h"
#include "agent/node/cloud_place.h"
#include "agent/node/node_parts.h"
#include "agent/node/story_sample.h"
#include "agent/session/device_session.h"
#include "common/base/gate.h"
#include "common/owner/owner.h"

namespace spillway::agent {

// What the cloud is told of tasks that it did not run: a sample of those that end, and any one that
// an operator asks for. Loop only.
class Stories {
 public:
  Stories(const NodeOptions& options, const NodeParts& parts, owner::Owner& owner,
          const ClockWatch& clock, const CloudPlace& cloud,
          const std::unique_ptr<DeviceSession>& session);

  // A task ended; it is told of once that is on disk, and not where bytes cost.
  void on_ended(const owner::OwnedTask& task);
  // Asked for by an operator: the story goes ahead of the reply, in the same lane.
  void reply(const wire::Command& command);

 private:
  wire::TaskStory story_of(const owner::OwnedTask& task, Bytes history) const;

  const NodeOptions& options_;
  const NodeParts& parts_;
  owner::Owner& owner_;
  const ClockWatch& clock_;
  const CloudPlace& cloud_;
  const std::unique_ptr<DeviceSession>& session_;
  StorySample sample_;
  Gate gate_;
};

}  // namespace spillway::agent
