#include "tests/support/fakes/cloud_side.h"

#include <utility>

namespace spillway::test {

CloudSide::CloudSide(ManualClock& clock, FakeBroker& broker, const kinds::KindRegistry& kinds,
                     unsigned workers)
    : NodeSide(clock, &broker, kinds, workers) {
  options.version = "test";
  options.memory = 1 << 30;
  options.max_run = Duration::zero();
  dispatched.origin = Origin{0xC10D};
}

cloud::NodeParts CloudSide::parts() {
  auto parts = common_parts<cloud::NodeParts>();
  parts.dispatched = &store();
  parts.fleet = fleet;
  parts.shortage = [this] { return shortage; };
  return parts;
}

void CloudSide::boot() {
  const ledger::LedgerRecovered recovered = disk.recover(options.tombstones);
  const store::Recovered owned = recover(dispatched);
  power_up(dispatched, disk, threads, "cloud");
  options.boot = BootId{boots() * 1000 + 1};
  node_ = std::make_unique<cloud::Node>(options, parts(), recovered, &owned);
  cloud::SessionOptions session;
  session.session_base = (recovered.session + 1) << 32;
  session.limits = limits;
  node_->attach(transport(), std::move(session));
  node_->start(recovered, &owned);
  wake();
}

}  // namespace spillway::test
