#pragma once

#include <chrono>
#include <functional>

#include "common/process/loop.h"
#include "spillway/status.h"

namespace spillway::process {

// What a daemon does when it is told to.
struct DaemonHooks {
  // Begins the service. Signals are caught by then: one that comes early ends nothing by surprise.
  std::function<Status()> start;
  // SIGTERM or SIGINT: ask what runs to stop, begin nothing more, and call `done` once nothing
  // runs.
  std::function<void(std::function<void()> done)> drain;
  // The grace time has passed, or a second signal came: give up what still runs, so that `done`
  // comes as soon as that is on disk.
  std::function<void()> abandon;
  // SIGHUP: read the configuration again and apply what can be.
  std::function<void()> reload;
  std::function<std::chrono::milliseconds()> grace;
};

// Runs the loop as a service: starts it, tells systemd that it is ready, feeds its watchdog, and
// returns once stopped by a signal, or with why it could not start. Within a second of the grace
// time the process is gone, whatever keeps it, as if it had been killed.
Status run_daemon(Loop& loop, DaemonHooks hooks);

}  // namespace spillway::process
