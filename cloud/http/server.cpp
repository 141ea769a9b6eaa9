#include "cloud/http/server.h"

#include "cloud/http/server_state.h"
#include "common/crypto/certificate.h"
#include "common/process/log.h"

namespace spillway::cloud::http {
namespace {

constexpr auto kAcceptPause = std::chrono::milliseconds(100);
constexpr auto kLastSecond = std::chrono::seconds(1);
constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\n"
    "Content-Length: 0\r\n\r\n";

Error refuse(const ServerOptions& options, const std::string& why) {
  return fail(Code::invalid_argument, "cannot serve HTTP at " + options.address + ":" +
                                          std::to_string(options.port) + ": " + why);
}

Status load_tls(net::ssl::context& context, const TlsFiles& files) {
  SysError error;
  context.set_options(net::ssl::context::default_workarounds | net::ssl::context::no_sslv2 |
                          net::ssl::context::no_sslv3 | net::ssl::context::no_tlsv1 |
                          net::ssl::context::no_tlsv1_1,
                      error);
  context.use_certificate_chain_file(files.certificate, error);
  if (error) {
    return fail(Code::invalid_argument, "certificate " + files.certificate + ": " +
                                            error.message() + "; [http] cert needs a PEM file");
  }
  context.use_private_key_file(files.key, net::ssl::context::pem, error);
  if (error) {
    return fail(Code::invalid_argument,
                "key " + files.key + ": " + error.message() + "; [http] key needs a PEM file");
  }
  // An exposed key is not refused: a cloud that nobody can look at any more is worse off.
  if (crypto::is_exposed(files.key)) {
    process::log(process::Level::warning,
                 "others on this machine may read or change the private key of the HTTP "
                 "server: give it to who runs this, and chmod 640 it",
                 {{"file", files.key}});
  }
  return {};
}

}  // namespace

Status Server::State::listen() {
  if (options.tls) {
    tls.emplace(net::ssl::context::tls_server);
    if (Status loaded = load_tls(*tls, *options.tls); !loaded) return loaded;
  }
  SysError error;
  auto address = net::ip::make_address(options.address, error);
  if (error) return refuse(options, "the address must be a number, as in 127.0.0.1 or ::1");
  tcp::endpoint endpoint(address, options.port);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(net::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(net::socket_base::max_listen_connections, error);
  if (!error) port = acceptor.local_endpoint(error).port();
  if (error) return refuse(options, error.message() + "; name another in [http] listen");
  return {};
}

net::awaitable<void> Server::State::accept() {
  while (!draining) {
    auto [error, socket] = co_await acceptor.async_accept(kAwait);
    if (draining) co_return;
    if (!error) {
      take(std::move(socket));
      continue;
    }
    // No file descriptors left, most likely: what is open goes on, and room comes back.
    net::steady_timer pause(io, kAcceptPause);
    co_await pause.async_wait(kAwait);
  }
}

void Server::State::take(tcp::socket socket) {
  SysError ignored;
  if (counts.connections >= options.max_connections) {
    ++counts.turned_away;
    socket.non_blocking(true, ignored);
    if (!tls) socket.write_some(net::buffer(kFull), ignored);
    return;
  }
  ++counts.accepted;
  socket.set_option(tcp::no_delay(true), ignored);
  net::co_spawn(io,
                tls ? serve_tls(*this, std::move(socket)) : serve_plain(*this, std::move(socket)),
                net::detached);
}

void Server::State::drain() {
  if (std::exchange(draining, true)) return;
  SysError ignored;
  acceptor.close(ignored);
  for (Open* each : std::set<Open*>(open)) each->drain();
}

Server::Server(std::shared_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Server>> Server::prepare(ServerOptions options, Handler handler, Gate gate) {
  auto state = std::make_shared<State>(std::move(options), std::move(handler), std::move(gate));
  if (Status listening = state->listen(); !listening) return listening.error();
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Handler handler, Gate gate) {
  auto server = prepare(std::move(options), std::move(handler), std::move(gate));
  if (server) (*server)->run();
  return server;
}

void Server::run() {
  net::co_spawn(state_->io, state_->accept(), net::detached);
  state_->thread = std::thread([raw = state_.get()] { raw->io.run(); });
}

void Server::stop() {
  if (!state_->thread.joinable()) return;
  net::post(state_->io, [state = state_.get()] {
    state->drain();
    state->ending = true;
    // Requests under way get a moment; what then remains ends with the loop.
    auto last = std::make_shared<net::steady_timer>(state->io, kLastSecond);
    last->async_wait([last, state](const SysError&) { state->io.stop(); });
    state->end_if_empty();
  });
  state_->thread.join();
}

void Server::drain() {
  net::post(state_->io, [state = state_.get()] { state->drain(); });
}

void Server::post(std::function<void()> call) { net::post(state_->io, std::move(call)); }

std::uint16_t Server::port() const { return state_->port; }

std::vector<std::string> Server::certified_names() const {
  std::vector<std::string> names;
  X509* certificate =
      state_->tls ? SSL_CTX_get0_certificate(state_->tls->native_handle()) : nullptr;
  if (!certificate) return names;
  auto* all = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(all); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all, i);
    if (name->type != GEN_DNS) continue;
    const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
    names.emplace_back(text, std::size_t(ASN1_STRING_length(name->d.dNSName)));
  }
  GENERAL_NAMES_free(all);
  return names;
}

const ServerCounts& Server::counts() const { return state_->counts; }

}  // namespace spillway::cloud::http
