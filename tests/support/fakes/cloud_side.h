#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cloud/node/node.h"
#include "tests/support/fake_broker.h"
#include "tests/support/fakes/manual_runner.h"
#include "tests/support/fakes/memory_ledger.h"
#include "tests/support/fakes/memory_owner_store.h"

namespace spillway::test {

// A whole cloud node on a ledger and a broker in memory, which can crash and boot again. Nothing
// moves unless it is told to. One thread.
class CloudSide {
 public:
  CloudSide(ManualClock& clock, FakeBroker& broker, const kinds::KindRegistry& kinds,
            unsigned workers = 2);
  ~CloudSide();

  void boot();
  // Ends the node as kill -9 does: what was not committed is gone, and nobody is told.
  void crash();
  bool on() const { return node_ != nullptr; }

  // Lets the node have its turn, if it asked for one; whether it had.
  bool turn();
  // Turns and ledger steps until both rest.
  void settle();
  NodeTime next() const { return next_; }

  cloud::Node& node() { return *node_; }
  MemoryLedger& ledger() { return *ledger_; }
  MemoryOwnerStore& store() { return *store_; }
  // Lets the disks do one thing.
  bool step() { return ledger_->step() || store_->step(); }
  ManualRunner& runner() { return *runner_; }
  FakeTransport& transport() { return *transport_; }

  LedgerDisk disk;
  OwnerDisk dispatched;           // what operators submitted to devices
  cloud::NodeOptions options;     // of the next boot
  std::set<TaskId> unbegun;       // at the next boot: claimed, but never begun
  cloud::Fleet* fleet = nullptr;  // of the next boot
  cloud::MessageRates::Limits limits = cloud::MessageRates::limits(10'000);  // the same
  unsigned threads = 16;  // for attempts of blocking kinds, at the next boot
  std::optional<std::string> shortage;
  std::vector<std::string> reports, alarms, refused;  // alarms are among the reports

 private:
  cloud::NodeParts parts();

  ManualClock& clock_;
  FakeBroker& broker_;
  const kinds::KindRegistry& kinds_;
  unsigned workers_;
  std::uint64_t boots_ = 0, randoms_ = 0, origins_ = 0;
  bool woken_ = false;
  NodeTime next_ = kNever;
  std::unique_ptr<MemoryLedger> ledger_;
  std::unique_ptr<MemoryOwnerStore> store_;
  std::unique_ptr<ManualRunner> runner_;
  std::unique_ptr<FakeTransport> transport_;
  std::unique_ptr<cloud::Node> node_;
};

}  // namespace spillway::test
