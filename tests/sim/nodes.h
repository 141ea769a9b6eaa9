#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/link.h"
#include "tests/sim/outcome.h"
#include "tests/support/fakes/agent_side.h"
#include "tests/support/fakes/cloud_side.h"

namespace spillway::sim {

// What happened in all schedules so far.
struct NodesStats {
  std::map<std::string, std::uint64_t> faults;  // by kind
  std::uint64_t events = 0, accepted = 0, in_cloud = 0, to_devices = 0, poisoned = 0;
  void add(const NodesStats& other);
};

// Whole agents and the cloud's replicas, as they ship but for disk, network and threads, over a
// broker in memory and in virtual time, while everything that can break does: every node has a
// clock of its own, stores lose what was not committed and fail at every n-th call, links follow
// recorded traces. A schedule is wholly determined by its seed. Reusable; one thread each.
class Nodes {
 public:
  // `traces` must outlive it; none: links are made up.
  explicit Nodes(const std::vector<LinkTrace>* traces = nullptr) : traces_(traces) {}
  Outcome run(std::uint64_t seed, const Limits& limits, bool keep_log = false);
  const NodesStats& stats() const { return stats_; }

 private:
  class Schedule;
  const std::vector<LinkTrace>* traces_;
  NodesStats stats_;
};

}  // namespace spillway::sim
