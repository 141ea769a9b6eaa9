#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/demo/workload.h"
#include "tests/support/testbed.h"

namespace spillway::demo {

struct RunOptions {
  std::size_t tasks = 0;
  double cut_s = 4;
  bool kill = false;  // also kill -9 agent, cloud and broker on the way, each started again
  std::uint64_t seed = 1;
};

// What came of a run, as its client saw it.
struct Outcome {
  std::size_t accepted = 0, local = 0, cloud = 0, buffered = 0, lost = 0, doubled = 0,
              mismatched = 0, failed = 0;
  // Answered busy and said again; delivered results that gave way to newer work; and what of both
  // the agent's loss ledger does not know.
  std::size_t refused = 0, gave_way = 0, uncounted = 0;
  double cut_s = 0, seconds = 0;
  std::vector<double> local_ms, cloud_ms;  // latency, ready to accepted result
  std::uint64_t bytes_up = 0, bytes_down = 0;
  std::uint64_t a_cloud_task = 0;  // a sequence number to look at with `spillway why`
  std::string first_failure;
  bool clean() const { return lost + doubled + mismatched + failed + uncounted == 0; }
};

// How far a run is.
struct Progress {
  std::size_t total = 0, accepted = 0, done = 0;
  NodeView node;
  std::string phase;
  double seconds = 0;
};

// Submits the tasks in two bursts, cuts the link after the first and heals it, and collects every
// result. `show` is called about five times a second.
Outcome run(test::Testbed& bed, const Workload& workload, const RunOptions& options,
            const std::function<void(const Progress&)>& show, const std::atomic<bool>& stop);

}  // namespace spillway::demo
