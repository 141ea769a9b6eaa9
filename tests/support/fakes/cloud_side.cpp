#include "tests/support/fakes/cloud_side.h"

#include <utility>

#include "tests/support/fakes/agent_side.h"

namespace spillway::test {

CloudSide::CloudSide(ManualClock& clock, FakeBroker& broker, const kinds::KindRegistry& kinds,
                     unsigned workers)
    : clock_(clock), broker_(broker), kinds_(kinds), workers_(workers) {
  options.version = "test";
  options.memory = 1 << 30;
  dispatched.origin = Origin{0xC10D};
}

CloudSide::~CloudSide() { crash(); }

cloud::NodeParts CloudSide::parts() {
  cloud::NodeParts parts;
  parts.clock = &clock_;
  parts.ledger = ledger_.get();
  parts.dispatched = store_.get();
  parts.runner = runner_.get();
  parts.kinds = &kinds_;
  parts.fleet = fleet;
  parts.random = [this] { return mixed(randoms_); };
  parts.wake = [this] { woken_ = true; };
  parts.report = [this](const std::string& message) { reports.push_back(message); };
  parts.alarm = [this](const std::string& message) {
    reports.push_back(message);
    alarms.push_back(message);
  };
  parts.refused = [this](const std::string& cause, const std::string&) {
    refused.push_back(cause);
  };
  parts.shortage = [this] { return shortage; };
  return parts;
}

void CloudSide::boot() {
  const ledger::LedgerRecovered recovered = disk.recover(options.tombstones);
  if (origins_ == 0) origins_ = dispatched.origin.value;
  const store::Recovered owned = dispatched.recover(Origin{mixed(origins_)});
  ledger_ = std::make_unique<MemoryLedger>(disk);
  store_ = std::make_unique<MemoryOwnerStore>(dispatched);
  runner_ = std::make_unique<ManualRunner>(clock_, workers_, threads);
  runner_->unbegun = std::exchange(unbegun, {});
  options.boot = BootId{++boots_ * 1000 + 1};
  node_ = std::make_unique<cloud::Node>(options, parts(), recovered, &owned);
  transport_ = std::make_unique<FakeTransport>(broker_);
  cloud::SessionOptions session;
  session.session_base = (recovered.session + 1) << 32;
  session.limits = limits;
  node_->attach(*transport_, std::move(session));
  node_->start(recovered, &owned);
  woken_ = true;
}

void CloudSide::crash() {
  if (!node_) return;
  transport_->listen({});
  broker_.cut("cloud");
  ledger_.reset();
  store_.reset();
  runner_.reset();
  node_.reset();
  transport_.reset();
  woken_ = false;
  next_ = kNever;
}

bool CloudSide::turn() {
  if (!node_ || (!woken_ && node_->now() < next_)) return false;
  woken_ = false;
  next_ = node_->cycle();
  return true;
}

void CloudSide::settle() {
  while (turn() || step()) {
  }
}

}  // namespace spillway::test
