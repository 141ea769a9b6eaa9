#include "common/process/systemd.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace spillway::process {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::optional<std::int64_t> number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value <= 0) return std::nullopt;
  return value;
}

std::int64_t monotonic_us() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

}  // namespace

SystemdEnvironment SystemdEnvironment::from_process() {
  SystemdEnvironment environment{variable("NOTIFY_SOCKET"), std::nullopt};
  const auto period = number(variable("WATCHDOG_USEC"));
  const std::string pid = variable("WATCHDOG_PID");
  if (period && (pid.empty() || number(pid) == getpid())) environment.watchdog = Duration(*period);
  return environment;
}

Systemd::Systemd(Loop& loop, SystemdEnvironment environment)
    : loop_(loop), environment_(std::move(environment)) {
  const std::string& path = environment_.notify_socket;
  if (path.size() < 2 || (path[0] != '/' && path[0] != '@')) return;
  socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (environment_.watchdog) feed_watchdog();
}

Systemd::~Systemd() {
  if (socket_ >= 0) ::close(socket_);
}

void Systemd::ready() { send("READY=1"); }

// The extension never shortens what the unit says.
void Systemd::stopping(Duration patience) {
  send("STOPPING=1\nEXTEND_TIMEOUT_USEC=" + std::to_string(patience.count()));
}

void Systemd::reloading() {
  // Type=notify-reload takes the message only with the instant it was true at.
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_us()));
}

void Systemd::status(std::string_view text) {
  std::string line = "STATUS=" + std::string(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  send(line);
}

void Systemd::feed_watchdog() {
  send("WATCHDOG=1");
  watchdog_ = loop_.after(*environment_.watchdog / 2, [this] { feed_watchdog(); });
}

void Systemd::send(std::string_view datagram) {
  const std::string& path = environment_.notify_socket;
  sockaddr_un address{};
  if (socket_ < 0 || path.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  // An abstract name starts with a zero byte and has no end marker.
  const bool abstract = path[0] == '@';
  if (abstract) address.sun_path[0] = '\0';
  const std::size_t length = offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1);
  ::sendto(socket_, datagram.data(), datagram.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(length));
}

}  // namespace spillway::process
