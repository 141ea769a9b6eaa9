#include "agent/intake/client.h"

#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

namespace spillway::intake {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kFlushAt = 64 * 1024;
constexpr milliseconds kConnectPatience{2'000};

Clock::time_point deadline_after(milliseconds timeout) {
  const Clock::time_point now = Clock::now();
  if (timeout >= std::chrono::duration_cast<milliseconds>(Clock::time_point::max() - now)) {
    return Clock::time_point::max();
  }
  return now + timeout;
}

int poll_timeout(Clock::time_point deadline) {
  if (deadline == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
}

std::string group_of(const std::string& path) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) return "";
  const group* entry = getgrgid(file.st_gid);
  return entry ? entry->gr_name : std::to_string(file.st_gid);
}

Error connect_failure(const std::string& path, int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED:
      return fail(Code::unavailable, "no agent answers at '" + path +
                                         "': is spillway-agent running? (systemctl status "
                                         "spillway-agent, or name its socket with --socket)");
    case EACCES:
    case EPERM:
      return fail(Code::denied, "not allowed to open '" + path +
                                    "': use sudo, or join the group '" + group_of(path) + "'");
    case EAGAIN:
      return fail(Code::unavailable,
                  "the agent at '" + path + "' takes no more connections for now");
    default: return fail(Code::io, "cannot connect to '" + path + "': " + std::strerror(error));
  }
}

int connect_patiently(int socket, const sockaddr_un& address) {
  const Clock::time_point until = Clock::now() + kConnectPatience;
  for (;;) {
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
      return 0;
    if (errno == EINTR) continue;
    // A Unix socket's full backlog cannot be polled for.
    if (errno != EAGAIN || Clock::now() >= until) return errno;
    std::this_thread::sleep_for(milliseconds(5));
  }
}

}  // namespace

Result<Client> Client::connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail(Code::invalid_argument, "'" + path +
                                            "' cannot be a socket's path: it must have 1 to " +
                                            std::to_string(sizeof address.sun_path - 1) + " bytes");
  }
  path.copy(address.sun_path, path.size());
  Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.get() < 0)
    return fail(Code::io, std::string("cannot make a socket: ") + std::strerror(errno));
  if (const int error = connect_patiently(socket.get(), address)) {
    return connect_failure(path, error);
  }
  return Client(std::move(socket));
}

Client::Socket::~Socket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

pid_t Client::agent() const {
  ucred peer{};
  socklen_t length = sizeof peer;
  return ::getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 ? peer.pid : 0;
}

Result<wire::Answer> Client::call(wire::RequestBody body, milliseconds timeout) {
  const Deadline deadline = deadline_after(timeout);
  Result<std::uint64_t> token = send(std::move(body));
  if (!token) return std::move(token).error();
  Result<wire::Answer> answer = await(*token, deadline);
  if (!answer) return answer;
  if (Error* error = std::get_if<Error>(&answer->body)) return std::move(*error);
  return answer;
}

Result<wire::Answer> Client::await(std::uint64_t token, Deadline deadline) {
  std::deque<wire::Answer> others = std::exchange(kept_, {});
  for (;;) {
    Result<wire::Answer> answer = receive_until(deadline);
    if (!answer || answer->token == token) {
      kept_ = std::move(others);
      return answer;
    }
    others.push_back(*std::move(answer));
  }
}

Result<std::uint64_t> Client::send(wire::RequestBody body) {
  const Bytes frame = wire::encode(wire::Request{++last_token_, std::move(body)});
  if (frame.size() > wire::kMaxFrame) {
    return fail(Code::invalid_argument,
                "a request of " + std::to_string(frame.size()) + " bytes is over the limit of " +
                    std::to_string(wire::kMaxFrame) + "; send fewer at once");
  }
  append_frame(out_, frame);
  if (out_.size() - written_ >= kFlushAt) {
    if (Status status = flush(); !status) return std::move(status).error();
  }
  return last_token_;
}

Status Client::flush(milliseconds timeout) { return flush_until(deadline_after(timeout)); }

Status Client::flush_until(Deadline deadline) {
  for (;;) {
    write_available();
    if (!can_write_ || out_.empty()) return {};
    // Reading meanwhile: an agent stops reading from a client that does not take its answers.
    if (Status status = wait_for(POLLIN | POLLOUT, deadline); !status) return status;
    read_available();
  }
}

Result<wire::Answer> Client::receive(milliseconds timeout) {
  return receive_until(deadline_after(timeout));
}

Result<wire::Answer> Client::receive_until(Deadline deadline) {
  if (!kept_.empty()) {
    wire::Answer answer = std::move(kept_.front());
    kept_.pop_front();
    return answer;
  }
  if (Status status = flush_until(deadline); !status) return std::move(status).error();
  for (;;) {
    Result<std::optional<ByteView>> frame = in_.next();
    if (!frame) return std::move(frame).error();
    if (*frame) {
      Result<wire::Answer> answer = wire::decode_answer(**frame);
      // Token 0 is the agent's word on the connection as a whole.
      if (answer && answer->token == 0 && std::holds_alternative<Error>(answer->body)) {
        return std::get<Error>(std::move(answer->body));
      }
      return answer;
    }
    if (ended_) return gone();
    if (Status status = wait_for(POLLIN, deadline); !status) return std::move(status).error();
    read_available();
  }
}

Status Client::wait_for(short events, Deadline deadline) {
  pollfd entry{socket_.get(), events, 0};
  const int ready = ::poll(&entry, 1, poll_timeout(deadline));
  if (ready > 0 || (ready < 0 && errno == EINTR)) return {};
  if (ready == 0 && Clock::now() < deadline) return {};
  if (ready == 0) return fail(Code::timeout, "the agent did not answer in time");
  return fail(Code::io, std::string("cannot wait for the agent: ") + std::strerror(errno));
}

void Client::read_available() {
  if (ended_) return;
  const std::span<std::uint8_t> room = in_.room();
  const ssize_t count = ::recv(socket_.get(), room.data(), room.size(), 0);
  if (count > 0) {
    in_.filled(static_cast<std::size_t>(count));
  } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
    ended_ = true;
    can_write_ = false;
  }
}

void Client::write_available() {
  while (can_write_ && written_ < out_.size()) {
    const ssize_t count =
        ::send(socket_.get(), out_.data() + written_, out_.size() - written_, MSG_NOSIGNAL);
    if (count >= 0) {
      written_ += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      // What the agent said before it closed can still be read.
      can_write_ = false;
    }
  }
  if (!can_write_ || written_ == out_.size()) {
    out_.clear();
    written_ = 0;
  }
}

Error Client::gone() const {
  return fail(Code::unavailable,
              "the agent closed the connection: it stopped, or dropped this client");
}

}  // namespace spillway::intake
