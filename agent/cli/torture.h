#pragma once

#include <string>

#include "agent/cli/session.h"

namespace spillway::cli {

struct TortureOptions {
  double minutes = 1;
  std::string folder;  // the device's state directory, or beside it
};

// Hands over to `spillway-torture`, beside this program or in /usr/lib/spillway, which cuts the
// power under stores on this file system and torments a fleet of its own; the agent in use is left
// alone. Returns only when that program is not there, or when it cannot work.
Result<int> run_torture(Session& session, const TortureOptions& options);

}  // namespace spillway::cli
