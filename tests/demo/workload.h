#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spillway/bytes.h"
#include "spillway/status.h"
#include "spillway/task.h"

namespace spillway::demo {

// One kind on one piece of a recording, with the value it must have.
struct Work {
  TaskSpec spec;
  Digest expected{};
};

struct Workload {
  std::vector<Work> works;  // tasks repeat them in order
  double mean_seconds = 0;  // of one, computed directly
  std::size_t recordings = 0;
};

// Cuts recordings (CSV with a header) into pieces that fit a task, and computes every kind on every
// piece in this process. `kind` empty: stats.window, signal.spectrum and anomaly.score.
Result<Workload> make_workload(const std::vector<std::string>& recordings, const std::string& kind);

// Recordings made up for whoever brings none.
std::vector<std::string> made_up_recordings(std::uint64_t seed);
Result<std::string> read_recording(const std::string& path);

}  // namespace spillway::demo
