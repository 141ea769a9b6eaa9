#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/intake/client.h"
#include "spillway/status.h"
#include "tests/support/broker.h"
#include "tests/support/link_proxy.h"
#include "tests/support/pki.h"
#include "tests/support/process.h"

namespace spillway::test {

struct TestbedOptions {
  std::string directory;  // for everything it makes; must exist
  std::string binaries;   // where spillway-agent and spillway-cloud are; empty: beside this program
  unsigned workers = 1;
  unsigned cloud_workers = 2;
  std::string telemetry = "10s";  // of the agent
  std::string agent_more;         // further lines of agent.toml
  std::string cloud_more;         // and of cloud.toml
  std::vector<std::string> cloud_tags;
  bool ejabberd = false;        // as the broker
  bool simulated = false;       // the broker has a listener for a simulated fleet, too
  std::uint16_t http_port = 0;  // of the cloud; 0: any, another one at each start
};

// One of everything on loopback: a throw-away CA, mosquitto with mutual TLS 1.3 and the access
// list, a link that can be cut before the agent, spillway-cloud and spillway-agent. Each can be
// killed and started again. One owner; what it started ends with it.
class Testbed {
 public:
  static Result<std::unique_ptr<Testbed>> start(TestbedOptions options);

  Status start_agent();
  Status start_cloud();
  void kill_agent() { agent_->kill(); }
  void kill_cloud() { cloud_->kill(); }

  Broker& broker() { return *broker_; }
  LinkProxy& link() { return *link_; }
  Process& agent() { return *agent_; }
  Process& cloud() { return *cloud_; }
  const Pki& pki() const { return *pki_; }
  const std::string& directory() const { return options_.directory; }
  std::string socket() const { return options_.directory + "/agent.sock"; }
  std::string agent_config() const { return options_.directory + "/agent.toml"; }
  std::string cloud_config() const { return options_.directory + "/cloud.toml"; }
  std::string binary(const std::string& name) const { return options_.binaries + "/" + name; }

  // Waits until the agent listens.
  Result<intake::Client> client() const;
  // Until the agent says that the cloud is there.
  bool wait_for_link(std::chrono::milliseconds timeout) const;

  static constexpr char kDevice[] = "demo-device";

 private:
  explicit Testbed(TestbedOptions options) : options_(std::move(options)) {}
  Status write_configs();
  Result<Process> launch(const std::string& name, const std::string& config);

  TestbedOptions options_;
  std::optional<Pki> pki_;
  std::optional<Broker> broker_;
  std::optional<LinkProxy> link_;
  std::optional<Process> cloud_, agent_;
};

}  // namespace spillway::test
