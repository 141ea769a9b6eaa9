#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/chaos/victim.h"
#include "tests/support/broker.h"
#include "tests/support/link_proxy.h"
#include "tests/support/own_world.h"
#include "tests/support/pki.h"

namespace spillway::chaos {

struct ClusterOptions {
  std::string folder;    // for everything it makes; must exist
  std::string binaries;  // where the programs are; empty: beside this one
  unsigned agents = 2;
  std::string agent_more;     // further lines of their configuration
  bool damages_last = false;  // the last one's store may be damaged
  bool small_disk = false;  // the first agent's store is on a file system of its own, if one can be
};

// A fleet on loopback: agents, each behind a link of its own, mosquitto with mutual TLS 1.3 and the
// access list, and the cloud. One owner, one thread; what it started ends with it.
class Cluster {
 public:
  struct Agent {
    std::unique_ptr<Victim> process;
    std::unique_ptr<test::LinkProxy> link;
    std::string socket, state;
  };

  static Result<std::unique_ptr<Cluster>> start(ClusterOptions options);

  std::vector<Agent>& agents() { return agents_; }
  Victim& cloud() { return *cloud_; }
  test::Broker& broker() { return *broker_; }
  bool damages_last() const { return options_.damages_last; }
  std::string cloud_folder() const { return options_.folder + "/cloud"; }
  std::string ledger() const { return cloud_folder() + "/ledger.db"; }
  const std::string& folder() const { return options_.folder; }
  // The file system of the first agent's store, if it has one of its own.
  std::optional<test::SmallDisk>& small_disk() { return small_disk_; }
  // Forgets what the broker had stored. While it is stopped.
  void wipe_broker();

 private:
  explicit Cluster(ClusterOptions options) : options_(std::move(options)) {}
  Status start_broker();
  Status start_cloud();
  Status start_agent(unsigned number);
  std::string binary(const std::string& name) const { return options_.binaries + "/" + name; }

  ClusterOptions options_;
  std::string faults_;
  std::optional<test::Pki> pki_;
  std::optional<test::Broker> broker_;
  std::optional<test::SmallDisk> small_disk_;
  std::unique_ptr<Victim> cloud_;
  std::vector<Agent> agents_;
};

// The tag that only the cloud has: tasks that need it run there.
inline constexpr const char* kCloudTag = "big";

}  // namespace spillway::chaos
