#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "tests/sim/nodes.h"
#include "tests/sim/world.h"

namespace spillway::sim {

struct Campaign {
  Variant variant = Variant::good;
  bool nodes = false;  // whole agents and cloud replicas; else one owner and one lessee
  std::uint64_t schedules = 1;
  std::uint64_t seed = 1;                            // of the first schedule; the others follow
  std::vector<LinkTrace> traces;                     // recorded ones; none: made up
  unsigned threads = 0;                              // 0: one for each core
  std::function<void(std::uint64_t done)> progress;  // from one thread, now and then
};

// A schedule that broke a promise, made as short as was found.
struct Failure {
  std::uint64_t seed = 0;
  bool nodes = false;
  std::string what;
  Limits limits;
  std::uint32_t events = 0;
  std::string log;
};

struct Report {
  std::uint64_t schedules = 0;
  Stats stats;       // of an owner and a lessee
  NodesStats nodes;  // of whole nodes
  Duration longest_healing{};
  std::optional<Failure> failure;  // then the campaign stopped early
};

Report run_campaign(const Campaign& campaign);

// Tries fewer tasks and an earlier end of faults; returns the shortest run that still fails.
Failure shorten(const Campaign& campaign, std::uint64_t seed, const Outcome& outcome);

// The command that plays a failure again.
std::string command_of(const Failure& failure, Variant variant);
std::string describe(const Failure& failure, Variant variant);
std::string summary(const Report& report);  // one line

}  // namespace spillway::sim
