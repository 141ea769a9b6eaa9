#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "spillway/bytes.h"
#include "spillway/status.h"
#include "tests/bench/report/samples.h"

namespace spillway::bench {

// A connected socket of this process that closes itself.
class Socket {
 public:
  static Result<Socket> unix_stream(const std::string& path);
  static Result<Socket> loopback(std::uint16_t port);
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket();

  int get() const { return descriptor_; }
  Status send(ByteView bytes) const;
  // Appends what has come; waits for something to come.
  Status receive(Bytes& in) const;

 private:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

// What a client says again and again, and how it knows the answer.
struct Exchange {
  Bytes request;
  // The length of the whole answer at the beginning of what was received; 0: more is to come. An
  // error: the answer is a refusal, and the measurement is void.
  std::function<Result<std::size_t>(ByteView received)> answer_length;
};

// Clients that each wait for an answer before they ask again, driven by one thread with as little
// work as possible, so that it is the server that is measured.
class Crowd {
 public:
  Crowd(std::vector<Socket> sockets, Exchange exchange);

  // Answers per second, over `seconds`; everybody's last question is answered before it returns.
  Result<double> run(double seconds);
  const Samples& latencies() const { return latencies_; }

 private:
  struct Client {
    Socket socket;
    Bytes in;
    SteadyClock::time_point asked;
  };
  Status ask(Client& client);
  Result<bool> answered(Client& client);

  std::vector<Client> clients_;
  Exchange exchange_;
  Samples latencies_;
};

}  // namespace spillway::bench
