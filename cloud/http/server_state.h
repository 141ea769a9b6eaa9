#pragma once

#include <set>
#include <thread>

#include "cloud/http/beast.h"
#include "cloud/http/server.h"

namespace spillway::cloud::http {

// A connection as the server ends it. The server's thread only.
class Open {
 public:
  virtual ~Open() = default;
  // Takes no further request: ends now when idle or streaming, else after the answer.
  virtual void drain() = 0;
};

// What a server's connections share. The server's thread only, but for `io` and `counts`.
struct Server::State : std::enable_shared_from_this<Server::State> {
  State(ServerOptions given, Handler called, Gate asked)
      : options(std::move(given)), handler(std::move(called)), gate(std::move(asked)) {}

  Status listen();
  net::awaitable<void> accept();
  void take(tcp::socket socket);
  void drain();
  void end_if_empty() {
    if (ending && open.empty()) io.stop();
  }

  ServerOptions options;
  Handler handler;
  Gate gate;
  ServerCounts counts;
  std::set<Open*> open;
  bool draining = false, ending = false;
  std::optional<net::ssl::context> tls;
  net::io_context io{1};  // after `open`: connections still there end with it
  tcp::acceptor acceptor{io};
  net::executor_work_guard<net::io_context::executor_type> work{io.get_executor()};
  std::uint16_t port = 0;
  std::thread thread;
};

// Serves one connection to its end; the overloads differ in what it speaks.
net::awaitable<void> serve_plain(Server::State& state, tcp::socket socket);
net::awaitable<void> serve_tls(Server::State& state, tcp::socket socket);

}  // namespace spillway::cloud::http
