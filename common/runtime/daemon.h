#pragma once

#include <chrono>
#include <functional>

#include "common/runtime/loop.h"
#include "spillway/status.h"

namespace spillway::runtime {

// What a daemon does when it is told to.
struct DaemonHooks {
  // Begins the service. Signals are caught by then: one that comes early ends nothing by surprise.
  std::function<Status()> start;
  // SIGTERM or SIGINT: finish what runs, then call `done`. Not waited for beyond the grace time; a
  // second signal does not wait at all.
  std::function<void(std::function<void()> done)> drain;
  // SIGHUP: read the configuration again and apply what can be.
  std::function<void()> reload;
  std::function<std::chrono::milliseconds()> grace;
};

// Runs the loop as a service: starts it, tells systemd that it is ready, feeds its watchdog, and
// returns once stopped by a signal, or with why it could not start.
Status run_daemon(Loop& loop, DaemonHooks hooks);

}  // namespace spillway::runtime
