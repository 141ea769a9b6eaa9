#pragma once

#include <chrono>
#include <functional>

#include "common/runtime/loop.h"

namespace spillway::runtime {

// What a daemon does when it is told to.
struct DaemonHooks {
  // SIGTERM or SIGINT: finish what runs, then call `done`. Not waited for beyond the grace time; a
  // second signal does not wait at all.
  std::function<void(std::function<void()> done)> drain;
  // SIGHUP: read the configuration again and apply what can be.
  std::function<void()> reload;
  std::function<std::chrono::milliseconds()> grace;
};

// Runs the loop as a service: tells systemd that it is ready, feeds its watchdog, and returns once
// stopped by a signal.
void run_daemon(Loop& loop, DaemonHooks hooks);

}  // namespace spillway::runtime
