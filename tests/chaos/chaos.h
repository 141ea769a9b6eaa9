#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/chaos/report.h"
#include "tests/support/link_proxy.h"

namespace spillway::chaos {

struct ChaosOptions {
  std::string folder;    // for everything; must exist
  std::string binaries;  // where the programs are; empty: beside this one
  std::chrono::milliseconds lasts{60'000};
  std::uint64_t seed = 1;
  unsigned agents = 2;
  double tasks_per_second = 40;  // of each agent's client
  std::vector<std::vector<test::LinkSample>> traces;
  // P5, in real time on a loaded machine: leases, backoffs and reconnects included.
  std::chrono::milliseconds patience{120'000};
  // Half-way a device's store is thrown away: a harness that finds nothing then is worth nothing.
  bool sabotage = false;
  // A device more, whose store and log are damaged once and now and then. What it had before may go
  // with them; that it does must be said, and what it takes after is kept.
  bool damage = true;
  std::function<void(const TortureReport& so_far)> progress;  // about once a second
};

// Runs a fleet of real programs, breaks everything under them for a while, heals it, waits for
// every result, and judges by what the clients were told.
TortureReport run_chaos(const ChaosOptions& options);

}  // namespace spillway::chaos
