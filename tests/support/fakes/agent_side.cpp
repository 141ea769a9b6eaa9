#include "tests/support/fakes/agent_side.h"

#include <utility>

namespace spillway::test {

std::uint64_t mixed(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

AgentSide::AgentSide(ManualClock& clock, FakeBroker* broker, const kinds::KindRegistry& kinds,
                     unsigned workers)
    : clock_(clock), broker_(broker), kinds_(kinds), workers_(workers) {
  options.device = "pump-7";
  options.version = "test";
  options.memory = 1 << 30;
}

AgentSide::~AgentSide() { crash(); }

agent::NodeParts AgentSide::parts() {
  agent::NodeParts parts;
  parts.clock = &clock_;
  parts.store = store_.get();
  parts.ledger = ledger_.get();
  parts.runner = runner_.get();
  parts.kinds = &kinds_;
  parts.random = [this] { return mixed(randoms_); };
  parts.machine = machine;
  parts.update = update;
  parts.measured = measured;
  parts.models = models;
  parts.keep_models = [this](const Bytes& learned) { models = learned; };
  parts.wake = [this] { woken_ = true; };
  parts.report = [this](const std::string& message) { reports.push_back(message); };
  parts.alarm = [this](const std::string& message) {
    reports.push_back(message);
    alarms.push_back(message);
  };
  parts.refused = [this](const std::string& cause, const std::string&) {
    refused.push_back(cause);
  };
  return parts;
}

void AgentSide::boot() {
  if (origins_ == 0) origins_ = disk.origin.value;  // no two of them draw the same
  const store::Recovered recovered = disk.recover(Origin{mixed(origins_)});
  const ledger::LedgerRecovered held = leased.recover();
  store_ = std::make_unique<MemoryOwnerStore>(disk);
  ledger_ = std::make_unique<MemoryLedger>(leased);
  runner_ = std::make_unique<ManualRunner>(clock_, workers_);
  runner_->unbegun = std::exchange(unbegun, {});
  options.boot = BootId{++boots_ * 1000};
  node_ = std::make_unique<agent::Node>(options, parts(), recovered, &held);
  if (broker_) {
    transport_ = std::make_unique<FakeTransport>(*broker_);
    agent::SessionOptions session;
    session.device = options.device;
    session.session_base = (recovered.session + 1) << 32;
    node_->attach(*transport_, std::move(session));
  }
  node_->start(recovered, &held);
  woken_ = true;
}

void AgentSide::crash() {
  if (!node_) return;
  // Silent: the node must not see its own end.
  if (transport_) transport_->listen({});
  if (broker_) broker_->cut(options.device);
  store_.reset();
  ledger_.reset();
  runner_.reset();
  node_.reset();
  transport_.reset();
  woken_ = false;
  next_ = kNever;
}

bool AgentSide::turn() {
  if (!node_ || (!woken_ && node_->now() < next_)) return false;
  woken_ = false;
  next_ = node_->cycle();
  return true;
}

void AgentSide::settle() {
  while (turn() || step()) {
  }
}

}  // namespace spillway::test
