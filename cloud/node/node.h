#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cloud/config/options.h"
#include "cloud/dispatch/dispatch.h"
#include "cloud/fleet/fleet.h"
#include "cloud/node/device_requests.h"
#include "cloud/node/own_life.h"
#include "cloud/session/cloud_session.h"
#include "common/base/clock.h"
#include "common/base/gate.h"
#include "common/kinds/registry.h"
#include "common/ledger/ledger.h"
#include "common/lessee/lessee.h"
#include "common/runner/attempt_runner.h"
#include "common/threads/door.h"
#include "common/wire/messages.h"

namespace spillway::cloud {

// What the cloud was told, and what its start found.
struct NodeOptions : Options {
  std::string version;
  BootId boot;
  std::size_t tombstones = 100'000;
};

// What a node works with. Everything outlives it.
struct NodeParts {
  const Clock* clock = nullptr;
  ledger::Ledger* ledger = nullptr;
  store::OwnerStore* dispatched = nullptr;  // tasks for devices; null: none are taken
  runner::Runner* runner = nullptr;
  Fleet* fleet = nullptr;  // told of what devices say and do; null: nobody watches
  const kinds::KindRegistry* kinds = nullptr;
  std::function<std::uint64_t()> random;
  std::function<void()> wake;
  std::function<void(const std::string& message)> report;
  std::function<void(const std::string& message)> alarm;  // the same, of what needs somebody
  // What a device has lost, whenever that changed; may be none.
  std::function<void(const std::string& device, const ledger::LossBook& book)> losses = {};
  std::function<void(const std::string& cause, const std::string& detail)> refused;
  // See lessee::Parts.
  std::function<std::optional<std::string>()> shortage = {};
};

// Whether an operator keeps a device in this state from taking part.
bool is_barred(Health health);

struct NodeCounters : lessee::Counters {  // since start
  std::uint64_t malformed = 0;
  std::uint64_t barred = 0;   // messages of devices that an operator barred
  std::uint64_t flooded = 0;  // messages of devices that sent more than they may
};

// The cloud's node: what devices offer is run by its lessee, what operators submit to devices is
// owned by its dispatch, and what devices say of themselves goes to the fleet and the ledger. A
// device that an operator has barred (quarantined or revoked, which the fleet keeps) is only told
// that its offers are refused and may only settle what is over: its work here is stopped, and what
// else it says is dropped and counted, until it is let in again; both it is told at once, as a
// hint. On the loop only; nothing in it blocks.
class Node {
 public:
  // `dispatched` comes with its store.
  Node(NodeOptions options, NodeParts parts, const ledger::LedgerRecovered& recovered,
       const store::Recovered* dispatched = nullptr);

  // Before start(), for a node that speaks with devices; the transport outlives it.
  void attach(mqtt::Transport& transport, SessionOptions session);
  void start(const ledger::LedgerRecovered& recovered,
             const store::Recovered* dispatched = nullptr);

  // One turn: timers, runs, commits, publications. Returns when it wants the next one.
  NodeTime cycle();

  // Refuses offers and hands back what has not started; `done` is called once nothing runs.
  void drain(std::function<void()> done);
  // Takes up what is taken up while running from a configuration that was read again.
  void reconfigure(const Options& options);
  void stop();

  // Asks a device that is there. not_found: nobody knows it; unavailable: it is away; timeout: it
  // did not answer; else what it said.
  void command(const std::string& device, wire::Command command, DeviceRequests::Done done);

  // Has a task's device tell its story, unless it did; then the fleet has it. not_found: the task
  // is not known here.
  void ask_story(TaskId task, DeviceRequests::Done done);

  // Ends what a device offloaded; the device is told. False: it is not held here.
  bool cancel(TaskId offloaded) { return lessee_.cancel(offloaded); }

  // Null without a store for it.
  Dispatch* dispatch() { return dispatch_.get(); }

  NodeTime now() const { return lessee_.now(); }
  NodeCounters counters() const {
    return {lessee_.counters(), malformed_, barred_messages_, session_ ? session_->flooded() : 0};
  }
  std::size_t held() const { return lessee_.held(); }
  std::size_t unsent() const { return session_ ? session_->connection().queued() : 0; }  // bytes
  bool connected() const { return session_ && session_->up(); }  // to the broker
  // When a device said, since the start, that this cloud's state is of an earlier copy; none: none
  // did.
  const OwnLife& own_life() const { return own_life_; }
  std::vector<BrokerTerm> broker_terms() const {
    return session_ ? session_->connection().broker_terms() : std::vector<BrokerTerm>();
  }

 private:
  struct Received;  // what takes an item of a device

  lessee::Options lessee_options() const;
  const Kind* offloaded(const KindRef& asked) const;
  lessee::Parts lessee_parts();
  DispatchParts dispatch_parts();
  NodeTime cycle_dispatch();
  void on_link_down(const Error& reason);
  void say_largest();
  void on_state(const std::string& device, const wire::Presence& said, link::Births::Sign sign);
  void on_life(const std::string& device, const wire::Presence& said, LifeChange change);
  void on_cloned(const std::string& device, const wire::Presence& said);
  void tell_cloned(const std::string& device, const wire::Presence& said);
  void on_life_notice(const std::string& device, const wire::LifeNotice& notice);
  void show(const lessee::HeldTask& task);
  void show_load();
  void on_item(const std::string& device, const wire::Item& item);
  void take_losses();
  void tell_losses(const std::string& device);

  // node_bars.cpp
  void heed(const FleetChange& change);
  void read_bars();
  bool drop_barred(const std::string& device, const wire::Item& item);
  void tell_standing(const std::string& device);

  NodeOptions options_;
  NodeParts parts_;
  lessee::Lessee lessee_;
  std::unique_ptr<Dispatch> dispatch_;
  std::unique_ptr<CloudSession> session_;
  DeviceRequests requests_{[this](const std::string& device, wire::Command command) {
    return session_->send_command(device, command);
  }};
  std::map<std::string, wire::Standing> barred_;  // devices
  Fleet::Subscription bars_;
  std::uint64_t malformed_ = 0, barred_messages_ = 0;
  std::map<std::string, std::map<std::string, std::string>> losses_;  // device, class → last said
  std::map<std::string, wire::LossReport> loss_reports_;  // by device, to be written next
  bool taking_losses_ = false;                            // a commit with some is on its way
  bool stopped_ = false;
  std::function<void()> drained_;
  std::string link_problem_;
  std::size_t said_largest_ = SIZE_MAX;
  OwnLife own_life_;
  threads::Door door_{"cloud::Node"};
  Gate gate_;
};

}  // namespace spillway::cloud
