#pragma once

#include <optional>
#include <string>

#include "cloud/node/node.h"
#include "tests/support/fakes/node_side.h"

namespace spillway::test {

// A cloud's node.
class CloudSide : public NodeSide<cloud::Node> {
 public:
  CloudSide(ManualClock& clock, FakeBroker& broker, const kinds::KindRegistry& kinds,
            unsigned workers = 2);
  ~CloudSide() { crash(); }

  void boot();

  LedgerDisk disk;
  OwnerDisk dispatched;           // what operators submitted to devices
  cloud::NodeOptions options;     // of the next boot
  cloud::Fleet* fleet = nullptr;  // of the next boot
  cloud::MessageRates::Limits limits = cloud::MessageRates::limits(10'000);  // the same
  unsigned threads = 16;  // for attempts of blocking kinds, at the next boot
  std::optional<std::string> shortage;

 private:
  cloud::NodeParts parts();
};

}  // namespace spillway::test
