#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/node/node.h"
#include "tests/support/fake_broker.h"
#include "tests/support/fakes/manual_runner.h"
#include "tests/support/fakes/memory_ledger.h"
#include "tests/support/fakes/memory_owner_store.h"

namespace spillway::test {

// A whole agent node on a disk and a broker in memory, which can crash and boot again. Nothing
// moves unless it is told to. One thread.
class AgentSide {
 public:
  // Without a broker the node is local only.
  AgentSide(ManualClock& clock, FakeBroker* broker, const kinds::KindRegistry& kinds,
            unsigned workers = 1);
  ~AgentSide();

  void boot();
  // Ends the node as kill -9 does: what was not committed is gone, and nobody is told.
  void crash();
  bool on() const { return node_ != nullptr; }

  // Lets the node have its turn, if it asked for one; whether it had.
  bool turn();
  // Turns and store steps until both rest.
  void settle();
  NodeTime next() const { return next_; }

  agent::Node& node() { return *node_; }
  MemoryOwnerStore& store() { return *store_; }
  MemoryLedger& ledger() { return *ledger_; }
  // Lets the disks do one thing.
  bool step() { return store_->step() || ledger_->step(); }
  ManualRunner& runner() { return *runner_; }
  FakeTransport& transport() { return *transport_; }

  OwnerDisk disk;
  LedgerDisk leased;           // what the cloud has run here
  std::set<TaskId> unbegun;    // at the next boot: claimed, but never begun
  agent::NodeOptions options;  // of the next boot
  std::function<agent::Machine()> machine;
  std::function<wire::UpdateReport()> update;
  std::function<void(const wire::Metrics&)> measured;
  std::vector<std::string> reports, alarms, refused;  // alarms are among the reports
  Bytes models;                                       // as the node last kept them

 private:
  agent::NodeParts parts();

  ManualClock& clock_;
  FakeBroker* broker_;
  const kinds::KindRegistry& kinds_;
  unsigned workers_;
  std::uint64_t boots_ = 0, randoms_ = 0, origins_ = 0;
  bool woken_ = false;
  NodeTime next_ = kNever;
  std::unique_ptr<MemoryOwnerStore> store_;
  std::unique_ptr<MemoryLedger> ledger_;
  std::unique_ptr<ManualRunner> runner_;
  std::unique_ptr<FakeTransport> transport_;
  std::unique_ptr<agent::Node> node_;
};

// splitmix64 (Steele et al., 2014): the same numbers everywhere.
std::uint64_t mixed(std::uint64_t& state);

}  // namespace spillway::test
