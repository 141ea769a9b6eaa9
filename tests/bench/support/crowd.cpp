#include "tests/bench/support/crowd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace spillway::bench {
namespace {

constexpr int kPatience = 10'000;  // ms without any answer

Error refused(const std::string& what) {
  return fail(Code::io, what + ": " + std::generic_category().message(errno));
}

}  // namespace

Result<Socket> Socket::unix_stream(const std::string& path) {
  Socket made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return made;
  }
  return refused(path);
}

Result<Socket> Socket::loopback(std::uint16_t port) {
  Socket made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  setsockopt(made.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return made;
  }
  return refused("port " + std::to_string(port));
}

Socket::~Socket() {
  if (descriptor_ >= 0) close(descriptor_);
}

Status Socket::send(ByteView bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0) return refused("send");
    bytes = bytes.subspan(std::size_t(count));
  }
  return {};
}

Status Socket::receive(Bytes& in) const {
  const std::size_t before = in.size();
  in.resize(before + 16 * 1024);
  const ssize_t count = ::recv(descriptor_, in.data() + before, in.size() - before, 0);
  in.resize(before + std::size_t(std::max<ssize_t>(count, 0)));
  if (count > 0) return {};
  return count == 0 ? fail(Code::unavailable, "the server hung up") : refused("receive");
}

Crowd::Crowd(std::vector<Socket> sockets, Exchange exchange) : exchange_(std::move(exchange)) {
  for (Socket& socket : sockets) clients_.push_back({std::move(socket), {}, {}});
}

Status Crowd::ask(Client& client) {
  client.asked = SteadyClock::now();
  return client.socket.send(exchange_.request);
}

Result<bool> Crowd::answered(Client& client) {
  if (Status received = client.socket.receive(client.in); !received) return received.error();
  const Result<std::size_t> length = exchange_.answer_length(client.in);
  if (!length) return length.error();
  if (*length == 0) return false;
  client.in.erase(client.in.begin(), client.in.begin() + std::ptrdiff_t(*length));
  latencies_.add(seconds_since(client.asked));
  return true;
}

Result<double> Crowd::run(double seconds) {
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  for (Client& client : clients_) {
    epoll_event event{EPOLLIN, {.ptr = &client}};
    epoll_ctl(poll, EPOLL_CTL_ADD, client.socket.get(), &event);
  }
  Status status;
  std::size_t open = 0, answers = 0;
  const auto start = SteadyClock::now();
  for (auto client = clients_.begin(); status && client != clients_.end(); ++client, ++open) {
    status = ask(*client);
  }
  double until = seconds;
  while (status && open > 0) {
    epoll_event events[64];
    const int count = epoll_wait(poll, events, 64, kPatience);
    if (count <= 0) status = fail(Code::timeout, "no answer for 10 s");
    const bool more = seconds_since(start) < seconds;
    for (int i = 0; status && i < count; ++i) {
      Client& client = *static_cast<Client*>(events[i].data.ptr);
      const Result<bool> whole = answered(client);
      if (!whole) status = whole.error();
      if (!whole || !*whole) continue;
      answers += 1;
      if (more) {
        status = ask(client);
      } else {
        open -= 1;
      }
    }
    until = seconds_since(start);
  }
  close(poll);
  if (!status) return status.error();
  return double(answers) / until;
}

}  // namespace spillway::bench
