#include "common/mqtt/sockets.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

namespace spillway::mqtt {
namespace {

std::uint16_t peer_port(int socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  in_port_t port = 0;
  if (address.ss_family == AF_INET) {
    port = reinterpret_cast<const sockaddr_in*>(&address)->sin_port;
  } else if (address.ss_family == AF_INET6) {
    port = reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port;
  }
  return ntohs(port);
}

// A connected socket, or the negative errno.
int connect_to(const addrinfo& address, std::chrono::milliseconds timeout) {
  const int socket = ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) return -errno;
  if (::connect(socket, address.ai_addr, address.ai_addrlen) == 0) return socket;
  int error = errno;
  pollfd ready{socket, POLLOUT, 0};
  if (error == EINPROGRESS) {
    socklen_t length = sizeof error;
    if (poll(&ready, 1, static_cast<int>(timeout.count())) == 0) {
      error = ETIMEDOUT;
    } else if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) != 0) {
      error = errno;
    }
  }
  if (error == 0) return socket;
  ::close(socket);
  return -error;
}

// A connected socket, or why there is none.
Result<int> dial(const Endpoint& endpoint, std::chrono::milliseconds timeout) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int resolved =
      getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &list);
  if (resolved != 0) {
    return fail(Code::unavailable,
                "the name cannot be resolved: " + std::string(gai_strerror(resolved)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(list, &freeaddrinfo);
  int socket = -ENOENT;
  for (const addrinfo* address = list; address && socket < 0; address = address->ai_next) {
    socket = connect_to(*address, timeout);
  }
  if (socket >= 0) return socket;
  return fail(Code::unavailable, std::generic_category().message(-socket));
}

}  // namespace

int tune_sockets_to(std::uint16_t port, std::chrono::milliseconds user_timeout) {
  int found = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    int socket = -1;
    std::from_chars(name.data(), name.data() + name.size(), socket);
    if (peer_port(socket) != port) continue;
    const int on = 1;
    const auto limit = static_cast<unsigned>(user_timeout.count());
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof limit);
    ++found;
  }
  return found;
}

std::optional<std::string> why_unreachable(const Endpoint& endpoint,
                                           std::chrono::milliseconds timeout) {
  const auto socket = dial(endpoint, timeout);
  if (!socket) return socket.error().message;
  ::close(*socket);
  return std::nullopt;
}

bool awaits_tls(const Endpoint& endpoint, std::chrono::milliseconds patience) {
  const auto socket = dial(endpoint, patience);
  if (!socket) return false;
  // The header of a handshake record of 512 bytes, which never come.
  constexpr unsigned char kBeginning[] = {0x16, 0x03, 0x01, 0x02, 0x00};
  pollfd answer{*socket, POLLIN, 0};
  const bool waits = ::send(*socket, kBeginning, sizeof kBeginning, MSG_NOSIGNAL) > 0 &&
                     poll(&answer, 1, static_cast<int>(patience.count())) == 0;
  ::close(*socket);
  return waits;
}

}  // namespace spillway::mqtt
