#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "spillway/status.h"
#include "tests/support/pki.h"
#include "tests/support/process.h"

namespace spillway::test {

struct BrokerOptions {
  std::string directory;           // for its configuration, log and data; must exist
  std::optional<Credentials> tls;  // mutual TLS 1.3; without: plain TCP, no names, no access list
  std::string more;                // further lines of mosquitto.conf
  std::string host = "127.0.0.1";  // or [::1]
  bool persistent = false;         // sessions and retained messages outlive a graceful stop
  std::string revoked = {};        // a list of revoked certificates (PEM)
  // ejabberd instead, where these have accounts; needs tls. Set by SPILLWAY_BROKER=ejabberd, too.
  bool ejabberd = false;
  std::vector<std::string> accounts = {};
  // The credentials of a second listener, where one certificate, `fleetsim`, may speak for all
  // devices.
  std::optional<Credentials> simulator = {};
};

// mosquitto on a free port of 127.0.0.1. With TLS it runs with the configuration and access list
// that the packages bring, in which only places and the port are others; ejabberd with its own, of
// which cloud/README.md says more. One owner.
class Broker {
 public:
  // Started, and listening.
  static Result<Broker> start(const BrokerOptions& options);

  std::uint16_t port() const { return port_; }
  std::string uri() const;            // mqtts://127.0.0.1:PORT or mqtt://127.0.0.1:PORT
  std::string simulator_uri() const;  // not with ejabberd
  // Tells its clients by their certificates, and binds their ids to them; ejabberd has accounts.
  bool knows_certificates() const { return !options_.ejabberd; }
  // What a client of that name adds to its [broker] section; empty with mosquitto.
  std::string login(const std::string& name) const;
  // The same for mosquitto_pub.
  std::vector<std::string> login_options(const std::string& name) const;
  pid_t pid() const { return process_ ? process_->pid() : 0; }
  void kill();           // SIGKILL
  void stop();           // SIGTERM, and waits
  Status start_again();  // on the same port
  std::string log() const;

 private:
  Broker(BrokerOptions options, std::uint16_t port, std::uint16_t simulator_port)
      : options_(std::move(options)), port_(port), simulator_port_(simulator_port) {}
  void write_config() const;
  std::string with_names() const;
  Command command() const;

  BrokerOptions options_;
  std::uint16_t port_, simulator_port_;
  std::optional<Process> process_;
};

// A TCP port of 127.0.0.1 that nobody listens on at the moment.
std::uint16_t free_port();
// Somebody does.
bool listens(std::uint16_t port);

}  // namespace spillway::test
