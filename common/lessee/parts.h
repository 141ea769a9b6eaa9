#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/ledger/ledger.h"
#include "common/lessee/held_task.h"
#include "common/runner/attempt_runner.h"
#include "common/wire/messages.h"

namespace spillway::lessee {

struct Options {
  BootId boot;
  std::string here = "the cloud node";  // what messages call this side
  std::vector<std::string> tags;
  std::uint64_t memory = 0;          // bytes offered to tasks
  std::uint32_t max_queue = 10'000;  // attempts accepted and not done, of all owners together
  std::uint64_t max_bytes = 0;       // of their specs and results; 0: no limit
  Duration max_run{};                // longer ones are ended; 0: no limit
  // Attempts of blocking kinds that run at once, where the runner has threads for so many.
  std::uint32_t blocking = UINT32_MAX;
  Duration keep_results = std::chrono::hours(24 * 7);  // for owners that do not take them
  std::size_t tombstones = 100'000;
  std::uint64_t uplink = 0;  // bytes per second that all owners together may send; 0: no limit
};

// What a lessee works with. Everything outlives it.
struct Parts {
  const Clock* clock = nullptr;
  ledger::Ledger* ledger = nullptr;
  runner::Runner* runner = nullptr;
  // Null: not known here, or not run for this side's owners.
  std::function<const Kind*(const KindRef& asked)> kind;
  // Whether a task of that name is this node's own.
  std::function<bool(TaskId)> own = {};
  std::function<std::uint64_t()> random;
  std::function<void()> wake;
  std::function<void(const std::string& message)> report;
  std::function<void(const std::string& message)> alarm;  // the same, of what needs somebody
  std::function<bool()> up;                               // there is a link to send on
  // False: there is no room now; `wake` is called when something has left.
  std::function<bool(const std::string&owner, wire::Item)> send_ack, send_result;
  // Whether every result sent to the owner has left this side.
  std::function<bool(const std::string& owner)> results_left = {};
  // Whether one more may take a core now. None: the pool is the lessee's alone, which then claims
  // short tasks ahead of its cores.
  std::function<bool(const HeldTask&)> may_start = {};
  std::function<void(const HeldTask&)> changed = {};  // for those who watch
  // Why nothing new is taken although there is room, e.g. a full disk; none: it is.
  std::function<std::optional<std::string>()> shortage = {};
  // Results of this owner were given up, and the ledger counts them as lost.
  std::function<void(const std::string& owner)> lost = {};
};

struct Counters {  // since start
  std::uint64_t accepted = 0, refused = 0, done = 0, failed = 0, answered = 0, repeated = 0;
  std::uint64_t given_up = 0;  // results that nobody took
  std::uint64_t damaged = 0;   // results that the disk has spoiled
};

}  // namespace spillway::lessee
