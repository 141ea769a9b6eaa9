#pragma once

#include <optional>
#include <string>

#include "spillway/status.h"

// What others do on this machine, over TCP on loopback. Nothing when the program is not installed.
namespace spillway::bench {

struct QueueLoad {
  std::string directory;  // for their files; must exist
  std::size_t clients = 32;
  std::size_t bytes = 256;
  double seconds = 3;
};

// Puts per second into beanstalkd, each synced to disk before it is answered (-f 0).
Result<std::optional<double>> beanstalkd_puts(const QueueLoad& load);

// Jobs per second through Gearman, in memory only: submitted, given to a worker that returns its
// input, and answered.
Result<std::optional<double>> gearman_jobs(const QueueLoad& load);

}  // namespace spillway::bench
