#include "tests/integration/http/prefix_proxy.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string_view>
#include <tuple>

// last
#include <CppUTest/TestHarness.h>

namespace spillway::test {

PrefixProxy::PrefixProxy(const std::string& upstream)
    : upstream_(*cloud::http::Client::make({upstream, ""})),
      listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  CHECK_EQUAL(0, ::bind(listening_, reinterpret_cast<const sockaddr*>(&at), size));
  CHECK_EQUAL(0, ::listen(listening_, 8));
  CHECK_EQUAL(0, ::getsockname(listening_, reinterpret_cast<sockaddr*>(&at), &size));
  port_ = ntohs(at.sin_port);
  thread_ = std::thread([this] { serve(); });
}

PrefixProxy::~PrefixProxy() {
  ::shutdown(listening_, SHUT_RDWR);
  thread_.join();
  ::close(listening_);
}

std::string PrefixProxy::url() const {
  return "http://127.0.0.1:" + std::to_string(port_) + "/site/spillway/";
}

void PrefixProxy::serve() {
  for (int client = 0; (client = ::accept(listening_, nullptr, nullptr)) >= 0; ::close(client)) {
    std::string asked;
    char part[4096];
    while (asked.find("\r\n\r\n") == std::string::npos) {
      const ssize_t size = ::read(client, part, sizeof part);
      if (size <= 0) break;
      asked.append(part, std::size_t(size));
    }
    const std::string said = answer(asked);
    std::ignore = ::write(client, said.data(), said.size());
  }
}

std::string PrefixProxy::answer(const std::string& asked) {
  constexpr std::string_view kBefore = "GET /site/spillway/", kBearer = "Authorization: ";
  std::size_t from = asked.find(kBearer);
  if (from == std::string::npos) from = asked.find("authorization: ");
  std::string status = "404 Not Found", body;
  if (asked.starts_with(kBefore) && from != std::string::npos) {
    from += kBearer.size();
    const std::string token = asked.substr(from, asked.find('\r', from) - from);
    const std::size_t path = kBefore.size() - 1;
    auto got =
        upstream_.send(cloud::http::Method::get, asked.substr(path, asked.find(' ', path) - path),
                       {{"authorization", token}});
    if (got && got->status == 200) status = "200 OK", body = got->body;
  }
  return "HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\nConnection: close\r\n" +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace spillway::test
