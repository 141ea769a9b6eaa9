#include "tests/support/fakes/agent_side.h"

#include <utility>

namespace spillway::test {

AgentSide::AgentSide(ManualClock& clock, FakeBroker* broker, const kinds::KindRegistry& kinds,
                     unsigned workers)
    : NodeSide(clock, broker, kinds, workers) {
  options.device = "pump-7";
  options.version = "test";
  options.memory = 1 << 30;
  options.telemetry = Duration::zero();
  options.dispatched_tasks.max_run = Duration::zero();
}

agent::NodeParts AgentSide::parts() {
  auto parts = common_parts<agent::NodeParts>();
  parts.store = &store();
  parts.machine = machine;
  parts.update = update;
  parts.measured = measured;
  parts.models = models;
  parts.keep_models = [this](const Bytes& learned) { models = learned; };
  return parts;
}

void AgentSide::boot() {
  const store::Recovered recovered = recover(disk);
  const ledger::LedgerRecovered held = dispatched.recover();
  power_up(disk, dispatched, 16, options.device);
  options.boot = BootId{boots() * 1000};
  node_ = std::make_unique<agent::Node>(options, parts(), recovered, &held);
  if (has_broker()) {
    agent::SessionOptions session;
    session.device = options.device;
    session.session_base = (recovered.session + 1) << 32;
    node_->attach(transport(), std::move(session));
  }
  node_->start(recovered, &held);
  wake();
}

}  // namespace spillway::test
