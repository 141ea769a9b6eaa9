#include "common/process/daemon.h"

#include <sys/time.h>
#include <unistd.h>

#include <csignal>

#include "common/process/log.h"
#include "common/process/signals.h"
#include "common/process/systemd.h"

namespace spillway::process {
namespace {

using std::chrono::milliseconds;

// For what was given up to be on disk, and then for all else: a goodbye, the last log lines.
constexpr milliseconds kToWrite{400}, kToLeave{900};
// More than that, so that systemd never kills what is about to leave.
constexpr milliseconds kForSystemd{2000};

void leave(int) { ::_exit(0); }

// A timer of the kernel's, because a loop or a thread that hangs would not end by one of ours.
void leave_after(milliseconds delay) {
  std::signal(SIGALRM, leave);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(delay);
  itimerval timer{};
  timer.it_value.tv_sec = static_cast<time_t>(seconds.count());
  timer.it_value.tv_usec =
      static_cast<suseconds_t>(std::chrono::microseconds(delay - seconds).count());
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

}  // namespace

Status run_daemon(Loop& loop, DaemonHooks hooks) {
  Systemd systemd(loop);
  Timer grace;
  bool draining = false;
  auto abandon = [&] {
    grace = loop.after(kToWrite, [&] { loop.stop(); });
    leave_after(kToLeave);
    hooks.abandon();
  };
  auto on_signal = [&](int number) {
    if (number == SIGHUP) {
      systemd.reloading();
      hooks.reload();
      return systemd.ready();
    }
    if (draining) return abandon();
    draining = true;
    const milliseconds patience = hooks.grace();
    systemd.stopping(patience + kForSystemd);
    log(Level::info, "draining", {{"grace_ms", patience.count()}});
    leave_after(patience + kToLeave);
    grace = loop.after(patience, [&] {
      log(Level::warning,
          "the grace time passed; what still runs is given up and starts again later");
      abandon();
    });
    hooks.drain([&] { loop.stop(); });
  };
  Signals signals(loop, {SIGTERM, SIGINT, SIGHUP}, on_signal);
  if (Status started = hooks.start(); !started) return started;
  systemd.ready();
  loop.run();
  logger().flush_repeats();
  return {};
}

}  // namespace spillway::process
