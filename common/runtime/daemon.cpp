#include "common/runtime/daemon.h"

#include <csignal>

#include "common/runtime/log.h"
#include "common/runtime/signals.h"
#include "common/runtime/systemd.h"

namespace spillway::runtime {

Status run_daemon(Loop& loop, DaemonHooks hooks) {
  Systemd systemd(loop);
  Timer grace;
  bool draining = false;
  auto on_signal = [&](int number) {
    if (number == SIGHUP) {
      systemd.reloading();
      hooks.reload();
      return systemd.ready();
    }
    if (draining) return loop.stop();
    draining = true;
    systemd.stopping();
    log(Level::info, "draining", {{"grace_ms", hooks.grace().count()}});
    grace = loop.after(hooks.grace(), [&] {
      log(Level::warning,
          "the grace time passed; what still runs is stopped and starts again later");
      loop.stop();
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

}  // namespace spillway::runtime
