#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cloud/http/exchange.h"
#include "spillway/status.h"

namespace spillway::cloud::http {

struct TlsFiles {
  std::string certificate;  // PEM, with its chain
  std::string key;          // PEM
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one
  std::optional<TlsFiles> tls;
  std::uint32_t header_limit = 8 * 1024;  // bytes of a request's first line and headers
  std::uint64_t body_limit = 1024 * 1024;
  std::size_t max_connections = 4096;
  std::chrono::milliseconds header_time{10'000};  // from the connection's first byte to the last
  std::chrono::milliseconds body_time{20'000};
  std::chrono::milliseconds idle_time{60'000};    // between requests
  std::chrono::milliseconds answer_time{30'000};  // for the handler
  std::chrono::milliseconds write_time{30'000};   // for a client to take an answer or an event
  std::chrono::milliseconds heartbeat{15'000};    // of silent event streams
  std::chrono::milliseconds linger_time{1'000};   // for a body that nobody reads, after its refusal
};

// Readable from any thread.
struct ServerCounts {
  std::atomic<std::uint64_t> connections{0}, streams{0};                // open now
  std::atomic<std::uint64_t> accepted{0}, turned_away{0}, requests{0};  // since start
  std::atomic<std::uint64_t> timed_out{0}, malformed{0}, refused{0};
};

// What becomes of a request of which only the headers have come.
struct Admission {
  std::optional<Response> refusal = {};          // the answer; its body is not read
  std::optional<std::uint64_t> body_limit = {};  // less than the server's
};

// An HTTP/1.1 server with a thread of its own, which runs gate, handler and all of post(). start(),
// drain() and the destructor are for one owner; post() is for any thread. Whatever clients do costs
// at most `max_connections` times the limits; beyond them a connection is answered 503 and closed.
// An answer that does not come within answer_time is a 503 to the client.
class Server {
 public:
  using Handler = std::function<void(Request, Answer)>;
  // Sees each request's headers before its body is read or asked for; none: all may come in.
  using Gate = std::function<Admission(const Request&)>;

  // Listens when it returns, and answers from run() on. Refuses files it cannot read and addresses
  // it cannot bind.
  static Result<std::unique_ptr<Server>> prepare(ServerOptions options, Handler handler,
                                                 Gate gate = nullptr);
  void run();
  static Result<std::unique_ptr<Server>> start(ServerOptions options, Handler handler,
                                               Gate gate = nullptr);
  // Ends what is open within a second. Nothing runs on its thread afterwards; post() then does
  // nothing.
  void stop();
  ~Server() { stop(); }

  // Takes no more connections, ends idle ones and streams; requests under way are answered.
  void drain();
  void post(std::function<void()> call);
  std::uint16_t port() const;
  // For whom its certificate speaks; none without TLS.
  std::vector<std::string> certified_names() const;
  const ServerCounts& counts() const;

  struct State;  // for the folder

 private:
  explicit Server(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;  // answers that come late find it gone
};

}  // namespace spillway::cloud::http
