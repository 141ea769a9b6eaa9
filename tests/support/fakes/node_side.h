#pragma once

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/kinds/registry.h"
#include "spillway/ids.h"
#include "tests/support/fake_broker.h"
#include "tests/support/fakes/manual_runner.h"
#include "tests/support/fakes/memory_ledger.h"
#include "tests/support/fakes/memory_owner_store.h"

namespace spillway::test {

// splitmix64 (Steele et al., 2014): the same numbers everywhere.
std::uint64_t mixed(std::uint64_t& state);

// A whole node, of either side, on disks and a broker in memory, which can crash and boot again.
// Nothing moves unless it is told to. One thread.
template <class Node>
class NodeSide {
 public:
  // Ends the node as kill -9 does: what was not committed is gone, and nobody is told.
  void crash() {
    if (!node_) return;
    // Silent: the node must not see its own end.
    if (transport_) transport_->listen({});
    if (broker_) broker_->cut(client_id_);
    store_.reset();
    ledger_.reset();
    runner_.reset();
    node_.reset();
    transport_.reset();
    woken_ = false;
    next_ = kNever;
  }
  bool on() const { return node_ != nullptr; }

  // Lets the node have its turn, if it asked for one; whether it had.
  bool turn() {
    if (!node_ || (!woken_ && node_->now() < next_)) return false;
    woken_ = false;
    next_ = node_->cycle();
    return true;
  }
  // Lets the disks do one thing.
  bool step() { return store_->step() || ledger_->step(); }
  // Turns and steps until both rest.
  void settle() {
    while (turn() || step()) {
    }
  }
  NodeTime next() const { return next_; }

  Node& node() { return *node_; }
  MemoryOwnerStore& store() { return *store_; }
  MemoryLedger& ledger() { return *ledger_; }
  ManualRunner& runner() { return *runner_; }
  FakeTransport& transport() { return *transport_; }
  // How many reports have these words.
  std::size_t said(const std::string& words) const {
    return std::size_t(std::count_if(reports.begin(), reports.end(), [&](const std::string& line) {
      return line.find(words) != line.npos;
    }));
  }

  std::set<TaskId> unbegun;                           // at the next boot: claimed, but never begun
  std::vector<std::string> reports, alarms, refused;  // alarms are among the reports

 protected:
  // Without a broker the node is alone.
  NodeSide(ManualClock& clock, FakeBroker* broker, const kinds::KindRegistry& kinds,
           unsigned workers)
      : clock_(clock), broker_(broker), kinds_(kinds), workers_(workers) {}
  ~NodeSide() = default;  // after a crash: the node knows what whoever inherits this has

  // In this order to boot: what the disk held, what the node runs on, the node, with the parts that
  // both sides have, and, once it is attached to transport() and started, its first turn.
  store::Recovered recover(OwnerDisk& disk) {
    if (origins_ == 0) origins_ = disk.origin.value;  // no two of them draw the same
    return disk.recover(Origin{mixed(origins_)});
  }
  void power_up(OwnerDisk& owned, LedgerDisk& leased, unsigned threads, std::string client_id) {
    client_id_ = std::move(client_id);
    store_ = std::make_unique<MemoryOwnerStore>(owned);
    ledger_ = std::make_unique<MemoryLedger>(leased);
    runner_ = std::make_unique<ManualRunner>(clock_, workers_, threads);
    runner_->unbegun = std::exchange(unbegun, {});
    if (broker_) transport_ = std::make_unique<FakeTransport>(*broker_);
    boots_ += 1;
  }
  template <class Parts>
  Parts common_parts() {
    Parts parts;
    parts.clock = &clock_;
    parts.ledger = ledger_.get();
    parts.runner = runner_.get();
    parts.kinds = &kinds_;
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
    return parts;
  }
  void wake() { woken_ = true; }

  bool has_broker() const { return broker_ != nullptr; }
  std::uint64_t boots() const { return boots_; }

  std::unique_ptr<Node> node_;

 private:
  ManualClock& clock_;
  FakeBroker* broker_;
  const kinds::KindRegistry& kinds_;
  unsigned workers_;
  std::string client_id_;  // at the broker
  std::uint64_t boots_ = 0, randoms_ = 0, origins_ = 0;
  bool woken_ = false;
  NodeTime next_ = kNever;
  std::unique_ptr<MemoryOwnerStore> store_;
  std::unique_ptr<MemoryLedger> ledger_;
  std::unique_ptr<ManualRunner> runner_;
  std::unique_ptr<FakeTransport> transport_;
};

}  // namespace spillway::test
