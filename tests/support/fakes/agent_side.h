#pragma once

#include <functional>

#include "agent/node/node.h"
#include "tests/support/fakes/node_side.h"

namespace spillway::test {

// An agent's node; without a broker it is local only.
class AgentSide : public NodeSide<agent::Node> {
 public:
  AgentSide(ManualClock& clock, FakeBroker* broker, const kinds::KindRegistry& kinds,
            unsigned workers = 1);
  ~AgentSide() { crash(); }

  void boot();

  OwnerDisk disk;
  LedgerDisk dispatched;       // what the cloud has run here
  agent::NodeOptions options;  // of the next boot
  std::function<agent::Machine()> machine;
  std::function<wire::UpdateReport()> update;
  std::function<void(const wire::Metrics&)> measured;
  Bytes models;  // as the node last kept them

 private:
  agent::NodeParts parts();
};

}  // namespace spillway::test
