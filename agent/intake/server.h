#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "agent/intake/api.h"
#include "common/process/loop.h"
#include "spillway/status.h"

namespace spillway::intake {

struct ServerOptions {
  std::string path = "/run/spillway/agent.sock";
  std::string group;  // of the socket file, by name; empty: the process's own
  std::size_t max_clients = 64;
  std::size_t max_outstanding = 1024;  // requests of one client not answered yet; then busy
  // Bytes of all requests not answered yet, and half as many of one client; then busy.
  std::size_t max_held = 16 * 1024 * 1024;
  std::size_t max_queued = 2 * 1024 * 1024;  // bytes one client has not taken; then it is dropped
  std::size_t max_events = 1024;             // events one client has not taken; then the oldest go
  std::chrono::milliseconds half_frame{10'000};  // for the rest of a frame, once it has begun
};

struct ServerStats {
  std::uint64_t clients = 0;   // now
  std::uint64_t accepted = 0;  // the others since the start
  std::uint64_t denied = 0;
  std::uint64_t turned_away = 0;  // no place left for that user
  std::uint64_t requests = 0;
  std::uint64_t busy = 0;
  std::uint64_t refused = 0;  // garbage, oversized or unfinished frames; each ended its connection
  std::uint64_t slow = 0;     // dropped readers
  std::uint64_t events_dropped = 0;
  std::uint64_t writes = 0;  // system calls that wrote answers
};

// An Api, over a Unix socket. Lives on the loop's thread. Root, the agent's own user and members of
// the socket's group are served. What a client may cost is bounded: see ServerOptions; how many one
// user may have, has_place() says. A client
// that goes away has its tickets dropped; one that sends garbage gets one Error with token 0 and is
// closed; neither disturbs the others. Destroying the server closes every connection and removes
// the socket file; the Api is not called again.
class Server {
 public:
  // `conflict`: another agent listens at the path.
  static Result<std::unique_ptr<Server>> open(process::Loop& loop, Api& api, ServerOptions options);
  ~Server();

  const ServerStats& stats() const;

 private:
  class Acceptor;
  explicit Server(std::shared_ptr<Acceptor> acceptor);
  std::shared_ptr<Acceptor> acceptor_;
};

}  // namespace spillway::intake
