#include "tests/chaos/cluster.h"

#include <filesystem>

#include "tests/support/temp_dir.h"

namespace spillway::chaos {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kSmallDisk = 48ULL << 20;  // bytes

std::string broker_section(std::uint16_t port, const test::Credentials& who) {
  return "[broker]\nuri = \"mqtts://127.0.0.1:" + std::to_string(port) + "\"\nca = \"" + who.ca +
         "\"\ncert = \"" + who.certificate + "\"\nkey = \"" + who.key +
         "\"\nreconnect_cap = \"1s\"\nkeep_alive = \"5s\"\n";
}

// ThreadSanitizer's own library has to be first, and says so by crashing.
std::string fault_library(const std::string& binaries) {
#if defined(__SANITIZE_THREAD__)
  static_cast<void>(binaries);
  return {};
#else
  const std::string path = binaries + "/libspillway-faults.so";
  return fs::exists(path) ? path : std::string();
#endif
}

}  // namespace

Result<std::unique_ptr<Cluster>> Cluster::start(ClusterOptions options) {
  if (options.binaries.empty()) {
    options.binaries = fs::read_symlink("/proc/self/exe").parent_path().string();
  }
  const std::string faults = fault_library(options.binaries);
  // Installed, only the library lies beside this program.
  if (!fs::exists(options.binaries + "/spillway-agent")) options.binaries = "/usr/bin";
  std::unique_ptr<Cluster> cluster(new Cluster(std::move(options)));
  cluster->faults_ = faults;
  if (Status status = cluster->start_broker(); !status) return status.error();
  if (Status status = cluster->start_cloud(); !status) return status.error();
  for (unsigned i = 0; i < cluster->options_.agents; ++i) {
    if (Status status = cluster->start_agent(i); !status) return status.error();
  }
  return cluster;
}

Status Cluster::start_broker() {
  auto pki = test::Pki::create(options_.folder, "throw-away");
  if (!pki) return pki.error();
  pki_ = *std::move(pki);
  auto server = pki_->server();
  if (!server) return server.error();
  auto broker = test::Broker::start({.directory = options_.folder,
                                     .tls = *server,
                                     .more = "autosave_interval 1\n",
                                     .persistent = true});
  if (!broker) return broker.error();
  broker_.emplace(*std::move(broker));
  return {};
}

void Cluster::wipe_broker() {
  std::error_code ignored;
  fs::remove(options_.folder + "/mosquitto.db", ignored);
}

Status Cluster::start_cloud() {
  auto who = pki_->device("cloud");
  if (!who) return who.error();
  const std::string config = options_.folder + "/cloud.toml";
  test::write_text(config,
                   "[cloud]\nstate_dir = \"" + options_.folder +
                       "/cloud\"\nworkers = 2\ngrace = \"1s\"\ntags = [\"" + kCloudTag +
                       "\"]\n[http]\nlisten = \"127.0.0.1:" + std::to_string(test::free_port()) +
                       "\"\n" + broker_section(broker_->port(), *who));
  cloud_ = std::make_unique<Victim>(
      "cloud", test::Command{.argv = {binary("spillway-cloud"), "--config", config}},
      options_.folder, faults_);
  return cloud_->start();
}

Status Cluster::start_agent(unsigned number) {
  const std::string name = "device-" + std::to_string(number + 1);
  auto who = pki_->device(name);
  if (!who) return who.error();
  auto link = test::LinkProxy::start(broker_->port());
  if (!link) return link.error();
  Agent agent;
  agent.link = std::make_unique<test::LinkProxy>(*std::move(link));
  agent.socket = options_.folder + "/" + name + ".sock";
  agent.state = options_.folder + "/" + name;
  if (number == 0 && options_.small_disk) {
    if (auto disk = test::SmallDisk::mount(agent.state, kSmallDisk))
      small_disk_.emplace(*std::move(disk));
  }
  const std::string config = options_.folder + "/" + name + ".toml";
  test::write_text(config, "[agent]\ndevice = \"" + name + "\"\nstate_dir = \"" + agent.state +
                               "\"\nsocket = \"" + agent.socket +
                               "\"\nworkers = 1\ngrace = \"1s\"\n" +
                               broker_section(agent.link->port(), *who) +
                               "[placement]\nlease = \"4s\"\n" + options_.agent_more);
  agent.process = std::make_unique<Victim>(
      name, test::Command{.argv = {binary("spillway-agent"), "--config", config}}, options_.folder,
      faults_);
  agents_.push_back(std::move(agent));
  return agents_.back().process->start();
}

}  // namespace spillway::chaos
