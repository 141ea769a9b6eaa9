#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <variant>

#include "agent/intake/frame.h"
#include "common/wire/api.h"

namespace spillway::intake {

// One connection to an agent's socket. One thread at a time. Requests may be pipelined; answers
// carry the token of their request and come in any order. Once the agent went away, or refused the
// connection (too many clients, not allowed), every call fails with that reason; connect anew.
class Client {
 public:
  static constexpr std::chrono::milliseconds kForever = std::chrono::milliseconds::max();

  // `unavailable`: no agent listens at `path`; `denied`: this user may not speak to it.
  static Result<Client> connect(const std::string& path);

  // Sends a request and waits for its answer; the agent's Error is this call's Error. Answers to
  // other requests that come meanwhile are kept for receive().
  Result<wire::Answer> call(wire::RequestBody body, std::chrono::milliseconds timeout);
  template <class T>
  Result<T> ask(wire::RequestBody body, std::chrono::milliseconds timeout);

  // Queues a request and returns its token; an EventsRequest's stays open, and receive() gives its
  // events. Written when 64 KiB have come together, by flush(), and
  // by whatever waits for an answer.
  Result<std::uint64_t> send(wire::RequestBody body);
  Status flush(std::chrono::milliseconds timeout = kForever);
  // The agent's process; 0: it is not known.
  pid_t agent() const;
  // The next answer to anything sent, Error answers included. `timeout`: none came; try again.
  Result<wire::Answer> receive(std::chrono::milliseconds timeout);

 private:
  using Deadline = std::chrono::steady_clock::time_point;

  class Socket {
   public:
    explicit Socket(int descriptor) : descriptor_(descriptor) {}
    Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    Socket& operator=(Socket&& other) noexcept {
      std::swap(descriptor_, other.descriptor_);
      return *this;
    }
    ~Socket();
    int get() const { return descriptor_; }

   private:
    int descriptor_;
  };

  explicit Client(Socket socket) : socket_(std::move(socket)) {}
  Status flush_until(Deadline deadline);
  Result<wire::Answer> receive_until(Deadline deadline);
  Result<wire::Answer> await(std::uint64_t token, Deadline deadline);
  Status wait_for(short events, Deadline deadline);
  void read_available();
  void write_available();
  Error gone() const;

  Socket socket_;
  std::uint64_t last_token_ = 0;
  Bytes out_;
  std::size_t written_ = 0;
  FrameBuffer in_;
  std::deque<wire::Answer> kept_;
  bool can_write_ = true;
  bool ended_ = false;
};

template <class T>
Result<T> Client::ask(wire::RequestBody body, std::chrono::milliseconds timeout) {
  Result<wire::Answer> answer = call(std::move(body), timeout);
  if (!answer) return std::move(answer).error();
  if (T* wanted = std::get_if<T>(&answer->body)) return std::move(*wanted);
  return fail(Code::corrupt,
              "the agent answered something else than was asked; is it of another version?");
}

}  // namespace spillway::intake
