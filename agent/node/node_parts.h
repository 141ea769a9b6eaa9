#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "agent/node/admission.h"
#include "agent/placement/placement.h"
#include "common/base/clock.h"
#include "common/kinds/registry.h"
#include "common/ledger/ledger.h"
#include "common/runner/attempt_runner.h"
#include "common/store/owner_store.h"
#include "common/wire/messages.h"
#include "common/wire/telemetry.h"

namespace spillway::agent {

struct NodeOptions {
  std::string device;
  std::string version;
  BootId boot;
  std::vector<std::string> tags;
  std::uint64_t memory = 0;  // bytes offered to tasks
  std::size_t max_ready = 512;
  BudgetLimits budget;
  std::uint64_t bandwidth = 0;  // bytes per second to the broker; 0: no limit
  bool metered = false;         // bytes cost: only what must goes to the cloud
  Duration lease = std::chrono::seconds(30);
  Duration probe_interval = std::chrono::seconds(30);
  Duration telemetry{};  // between frames to the cloud; 0: nothing is measured
  placement::Policy placement;
  std::vector<std::string> takes;  // kinds that the cloud may have run here
  std::uint32_t max_leased = 16;   // tasks of the cloud that are here and not done
  Duration max_leased_run{};       // longest run of one of them; 0: no limit
};

// What a node works with. Everything outlives it.
struct NodeParts {
  const Clock* clock = nullptr;
  store::OwnerStore* store = nullptr;
  ledger::Ledger* ledger = nullptr;  // of what the cloud has run here; null: nothing is
  runner::Runner* runner = nullptr;
  const kinds::KindRegistry* kinds = nullptr;
  std::function<std::uint64_t()> random;
  std::function<Machine()> machine;  // none: it never runs short
  // Adds what the system knows of itself to a frame; may be empty.
  std::function<void(wire::Telemetry&)> measure = {};
  // Where the firmware's update stands; none: this device has no updater.
  std::function<wire::UpdateReport()> update = {};
  // Told what was measured, as often as frames are sent, also without a link; may be empty.
  std::function<void(const wire::Metrics&)> measured = {};
  // What an earlier start kept of what was learned; empty: nothing. And who keeps it: told now and
  // then, and at the end; none: each start learns anew.
  Bytes models = {};
  std::function<void(const Bytes& models)> keep_models = {};
  // Asks for a call of cycle() soon, on the loop; several asks may melt into one.
  std::function<void()> wake;
  std::function<std::string()> trace;  // of the pool, see wire::Trace; none: there is none
  std::function<std::string(std::uint32_t lines)> logs = {};  // the newest lines; may be empty
  // For people: once per change, not per task.
  std::function<void(const std::string& message)> report;
  std::function<void(const std::string& message)> alarm;  // the same, of what needs somebody
  std::function<void(const std::string& cause, const std::string& detail)> refused;
};

}  // namespace spillway::agent
