#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "agent/node/admission.h"
#include "common/base/clock.h"
#include "common/kinds/registry.h"
#include "common/ledger/ledger.h"
#include "common/runner/attempt_runner.h"
#include "common/store/owner_store.h"
#include "common/wire/messages.h"
#include "common/wire/telemetry.h"
#include "spillway/agent/options.h"

namespace spillway::agent {

// What the agent was told, and what its start found.
struct NodeOptions : Options {
  std::string version;
  BootId boot;
  std::vector<std::string> takes;  // kinds that the cloud may have run here
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
