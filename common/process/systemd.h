#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/process/loop.h"

namespace spillway::process {

// What systemd passed in the environment; all empty when it did not start us.
struct SystemdEnvironment {
  std::string notify_socket;         // NOTIFY_SOCKET: a path, or '@' and an abstract name
  std::optional<Duration> watchdog;  // WATCHDOG_USEC, when WATCHDOG_PID is ours or absent

  static SystemdEnvironment from_process();
};

// Tells systemd how we are, by sd_notify's datagram protocol. Without a notify socket every call
// does nothing; a datagram that cannot be sent is lost, as systemd's own client has it. The
// watchdog is fed from the loop at half its period, so a loop that hangs is noticed. The loop's
// thread.
class Systemd {
 public:
  explicit Systemd(Loop& loop, SystemdEnvironment environment = SystemdEnvironment::from_process());
  ~Systemd();
  Systemd(const Systemd&) = delete;
  Systemd& operator=(const Systemd&) = delete;

  void ready();  // also ends reloading()
  void reloading();
  void stopping(Duration patience);    // to be waited for at least so long, whatever the unit says
  void status(std::string_view text);  // one line for `systemctl status`

 private:
  void send(std::string_view datagram);
  void feed_watchdog();

  Loop& loop_;
  SystemdEnvironment environment_;
  int socket_ = -1;
  Timer watchdog_;
};

}  // namespace spillway::process
