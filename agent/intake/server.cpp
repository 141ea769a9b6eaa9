#include "agent/intake/server.h"

#include <unistd.h>

#include <asio/basic_socket_acceptor.hpp>
#include <asio/local/stream_protocol.hpp>
#include <optional>
#include <vector>

#include "agent/intake/connection.h"
#include "agent/intake/socket_file.h"
#include "common/process/log.h"

namespace spillway::intake {
namespace {

constexpr std::chrono::milliseconds kAcceptPause{200};

}  // namespace

class Server::Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(process::Loop& loop, Api& api, ServerOptions options, SocketFile file)
      : shared_(std::make_shared<Shared>(Shared{loop, api, std::move(options), {}, {}, {}})),
        file_(std::move(file)),
        acceptor_(loop.context(), asio::local::stream_protocol(), file_->release()) {}

  void accept() {
    acceptor_.async_accept(
        [self = shared_from_this()](std::error_code error, Connection::Socket socket) {
          if (self->closed_) return;
          error ? self->pause(error) : self->welcome(std::move(socket));
        });
  }

  void close() {
    closed_ = true;
    pause_.cancel();
    std::error_code ignored;
    acceptor_.close(ignored);
    file_.reset();
    for (const auto& connection : std::exchange(shared_->connections, {})) connection->close();
  }

  const ServerStats& stats() const { return shared_->stats; }

 private:
  // Out of descriptors, most often: waiting lets some come back, and does not spin meanwhile.
  void pause(std::error_code error) {
    process::log_once(process::Level::error, "intake.accept", "cannot accept a client",
                      {{"why", error.message()}});
    pause_ = shared_->loop.after(kAcceptPause, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->accept();
    });
  }

  void welcome(Connection::Socket socket) {
    std::error_code error;
    socket.non_blocking(true, error);
    Result<Peer> peer = peer_of(socket.native_handle());
    if (!error && peer) {
      const uid_t uid = peer->uid;
      const bool allowed = may_speak(*peer, ::geteuid(), file_->group());
      const auto connection =
          std::make_shared<Connection>(shared_, std::move(socket), *std::move(peer));
      allowed ? admit(connection) : deny(*connection, uid);
    }
    accept();
  }

  void deny(Connection& connection, uid_t uid) {
    ++shared_->stats.denied;
    process::log_once(process::Level::warning, "intake.denied",
                      "a user without the right to speak to the agent was turned away",
                      {{"uid", uid}});
    connection.refuse(
        fail(Code::denied, "this user may not speak to the agent: use sudo, or join its group"));
  }

  bool place_for(uid_t user) const {
    std::vector<uid_t> present;
    present.reserve(shared_->connections.size());
    for (const auto& one : shared_->connections) present.push_back(one->user());
    return has_place(user, ::geteuid(), shared_->options.max_clients, present);
  }

  void admit(const std::shared_ptr<Connection>& connection) {
    if (!place_for(connection->user())) {
      ++shared_->stats.turned_away;
      process::log_once(process::Level::warning, "intake.clients", "too many clients at once",
                        {{"limit", shared_->options.max_clients}, {"uid", connection->user()}});
      return connection->refuse(
          fail(Code::busy, "the agent serves as many clients as it can (" +
                               std::to_string(shared_->options.max_clients) +
                               "), or as one user may have; try again later"));
    }
    ++shared_->stats.accepted;
    shared_->connections.insert(connection);
    shared_->stats.clients = shared_->connections.size();
    connection->start();
  }

  std::shared_ptr<Shared> shared_;
  std::optional<SocketFile> file_;
  asio::local::stream_protocol::acceptor acceptor_;
  process::Timer pause_;
  bool closed_ = false;
};

Result<std::unique_ptr<Server>> Server::open(process::Loop& loop, Api& api, ServerOptions options) {
  Result<SocketFile> file = SocketFile::listen(options.path, options.group);
  if (!file) return std::move(file).error();
  auto acceptor = std::make_shared<Acceptor>(loop, api, std::move(options), *std::move(file));
  acceptor->accept();
  return std::unique_ptr<Server>(new Server(std::move(acceptor)));
}

Server::Server(std::shared_ptr<Acceptor> acceptor) : acceptor_(std::move(acceptor)) {}
Server::~Server() { acceptor_->close(); }

const ServerStats& Server::stats() const { return acceptor_->stats(); }

}  // namespace spillway::intake
