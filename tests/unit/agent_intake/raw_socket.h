#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "agent/intake/frame.h"
#include "common/wire/api.h"

namespace spillway::intake {

// A connection that keeps to no protocol.
class RawSocket {
 public:
  explicit RawSocket(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    error_ = errno;
  }
  ~RawSocket() { ::close(socket_); }
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  bool connected() const { return connected_; }
  int error() const { return error_; }

  void write(ByteView bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }
  // The next answer's Error; an Error of Code::unavailable when the connection ended instead.
  Error read_error() {
    for (;;) {
      const auto frame = in_.next();
      if (frame && *frame) {
        const auto answer = wire::decode_answer(**frame);
        return std::get<Error>(answer->body);
      }
      const auto room = in_.room();
      const ssize_t count = ::recv(socket_, room.data(), room.size(), 0);
      if (count <= 0) return fail(Code::unavailable, "the connection ended");
      in_.filled(static_cast<std::size_t>(count));
    }
  }

 private:
  int socket_;
  bool connected_ = false;
  int error_ = 0;
  FrameBuffer in_;
};

inline Bytes framed(ByteView bytes) {
  Bytes frame;
  append_frame(frame, bytes);
  return frame;
}

}  // namespace spillway::intake
