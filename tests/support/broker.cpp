#include "tests/support/broker.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/support/ejabberd.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

namespace spillway::test {

// The packages' mosquitto.conf and access.acl.
extern const char* const kBrokerFiles[];

namespace {

using namespace std::chrono_literals;

constexpr const char* kSimulatorAccess =
    "\nuser fleetsim\n"
    "topic write spw/1/+/+/up/#\n"
    "topic read spw/1/+/+/down/#\n"
    "topic read spw/1/cloud/state\n";

// Each of these texts stands once in the files that the packages bring.
void replace(std::string& text, std::string_view what, const std::string& with) {
  if (const auto at = text.find(what); at != text.npos) text.replace(at, what.size(), with);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Debian installs it where an ordinary user does not look.
std::string mosquitto() {
  const char* usual = "/usr/sbin/mosquitto";
  return access(usual, X_OK) == 0 ? usual : "mosquitto";
}

std::string listener(std::uint16_t port, const std::string& host) {
  return "listener " + std::to_string(port) + " " + (host == "[::1]" ? "::1" : host) + "\n";
}

std::string file_lines(const Credentials& tls) {
  return "cafile " + tls.ca + "\ncertfile " + tls.certificate + "\nkeyfile " + tls.key + "\n";
}

}  // namespace

std::uint16_t free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  const bool bound = ::bind(socket, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
                     ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  ::close(socket);
  return bound ? ntohs(address.sin_port) : 0;
}

namespace {

template <class Address>
bool connects(const Address& address, int family) {
  const int socket = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool connected =
      ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(socket);
  return connected;
}

}  // namespace

bool listens(std::uint16_t port) {
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  six.sin6_addr = IN6ADDR_LOOPBACK_INIT;
  return connects(loopback(port), AF_INET) || connects(six, AF_INET6);
}

Result<Broker> Broker::start(const BrokerOptions& wanted) {
  BrokerOptions options = wanted;
  const char* which = std::getenv("SPILLWAY_BROKER");
  if (which && std::string_view(which) == "ejabberd" && !options.accounts.empty()) {
    options.ejabberd = true;
  }
  Status started = fail(Code::io, "no free port");
  // Another process may take the port between the look and the use.
  for (int attempt = 0; attempt < 3; ++attempt) {
    Broker broker(options, free_port(), options.simulator ? free_port() : 0);
    started = broker.start_again();
    if (started) return broker;
  }
  return started.error();
}

std::string Broker::uri() const {
  return (options_.tls ? "mqtts://" : "mqtt://") + options_.host + ":" + std::to_string(port_);
}

std::string Broker::simulator_uri() const {
  return "mqtts://127.0.0.1:" + std::to_string(simulator_port_);
}

std::string Broker::with_names() const {
  const std::string installed = "/etc/spillway-cloud/broker/";
  const std::string access = options_.directory + "/access.acl";
  write_text(access, std::string(kBrokerFiles[1]) + (options_.simulator ? kSimulatorAccess : ""));
  std::string text = kBrokerFiles[0];
  replace(text, "listener 8883\n", listener(port_, options_.host));
  replace(text, installed + "ca.pem", options_.tls->ca);
  replace(text, installed + "server.pem", options_.tls->certificate);
  replace(text, installed + "server.key", options_.tls->key);
  replace(text, installed + "access.acl", access);
  if (!options_.revoked.empty()) {
    replace(text, "#crlfile " + installed + "revoked.pem", "crlfile " + options_.revoked);
  }
  if (options_.persistent) replace(text, "persistence false", "persistence true");
  if (!options_.simulator) return text;
  return text + listener(simulator_port_, options_.host) + file_lines(*options_.simulator) +
         "require_certificate true\nuse_identity_as_username true\ntls_version tlsv1.3\n";
}

std::string Broker::login(const std::string& name) const {
  return options_.ejabberd ? ejabberd::login(options_.directory, name) : "";
}

std::vector<std::string> Broker::login_options(const std::string& name) const {
  if (!options_.ejabberd) return {};
  return ejabberd::login_options(name);
}

Command Broker::command() const {
  const std::string output = options_.directory + "/mosquitto.out";
  if (options_.ejabberd) return ejabberd::command(options_.directory, options_.accounts, output);
  return {.argv = {mosquitto(), "-c", options_.directory + "/mosquitto.conf"},
          .output = output,
          .errors = output};
}

void Broker::write_config() const {
  if (options_.ejabberd) return ejabberd::write_config(options_.directory, port_, *options_.tls);
  std::string text = "persistence_location " + options_.directory + "/\n";
  // mosquitto started by root becomes another user, who cannot read the files.
  if (geteuid() == 0) text += "user root\n";
  text += "log_dest file " + options_.directory + "/mosquitto.log\n";
  if (options_.tls) {
    text += with_names();
  } else {
    text += listener(port_, options_.host) +
            "allow_anonymous true\nmax_inflight_messages 0\nmax_queued_messages 1000000\n"
            "set_tcp_nodelay true\npersistence " +
            (options_.persistent ? "true\n" : "false\n");
  }
  write_text(options_.directory + "/mosquitto.conf", text + options_.more);
}

Status Broker::start_again() {
  stop();
  write_config();
  auto process = Process::start(command());
  if (!process) return process.error();
  process_.emplace(std::move(*process));
  // ejabberd takes 9 s where nothing else runs.
  const auto patience = options_.ejabberd ? 120s : 10s;
  eventually(patience, [this] { return listens(port_) || !process_->running(); });
  if (process_->running()) return {};
  return fail(Code::io, "the broker does not start: " + log() + process_->errors());
}

void Broker::kill() {
  if (process_) process_->kill();
}

void Broker::stop() {
  if (!process_) return;
  process_->signal(SIGTERM);
  process_->wait(5s);
  process_->kill();
}

std::string Broker::log() const { return read_text(options_.directory + "/mosquitto.log"); }

}  // namespace spillway::test
