#include "tests/support/testbed.h"

#include <filesystem>

#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

namespace spillway::test {
namespace {

using namespace std::chrono_literals;

std::string broker_section(const std::string& uri, const Credentials& who,
                           const std::string& login) {
  return "[broker]\nuri = \"" + uri + "\"\nca = \"" + who.ca + "\"\ncert = \"" + who.certificate +
         "\"\nkey = \"" + who.key + "\"\nreconnect_cap = \"2s\"\n" + login;
}

std::string list(const std::vector<std::string>& texts) {
  std::string line = "[";
  for (const std::string& text : texts) line += (line.size() > 1 ? ", \"" : "\"") + text + "\"";
  return line + "]";
}

}  // namespace

Result<std::unique_ptr<Testbed>> Testbed::start(TestbedOptions options) {
  if (options.binaries.empty()) {
    options.binaries = std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
  }
  std::unique_ptr<Testbed> bed(new Testbed(std::move(options)));
  auto pki = Pki::create(bed->options_.directory, "throw-away");
  if (!pki) return pki.error();
  bed->pki_ = *std::move(pki);
  auto server = bed->pki_->server();
  if (!server) return server.error();
  BrokerOptions broker;
  broker.directory = bed->options_.directory;
  broker.tls = *server;
  broker.ejabberd = bed->options_.ejabberd;
  if (bed->options_.simulated) broker.simulator = *server;
  broker.accounts = {"cloud", kDevice};
  auto started = Broker::start(broker);
  if (!started) return started.error();
  bed->broker_.emplace(*std::move(started));
  auto link = LinkProxy::start(bed->broker_->port());
  if (!link) return link.error();
  bed->link_.emplace(*std::move(link));
  if (Status written = bed->write_configs(); !written) return written.error();
  if (Status cloud = bed->start_cloud(); !cloud) return cloud.error();
  if (Status agent = bed->start_agent(); !agent) return agent.error();
  return bed;
}

Status Testbed::write_configs() {
  auto device = pki_->device(kDevice);
  auto cloud = pki_->device("cloud");
  if (!device) return device.error();
  if (!cloud) return cloud.error();
  const std::string& dir = options_.directory;
  // By number: a bare system may not know the name localhost.
  std::string through_link = "mqtts://127.0.0.1:" + std::to_string(link_->port());
  std::string direct = "mqtts://127.0.0.1:" + std::to_string(broker_->port());
  write_text(agent_config(), "[agent]\ndevice = \"" + std::string(kDevice) + "\"\nstate_dir = \"" +
                                 dir + "/agent\"\nsocket = \"" + socket() +
                                 "\"\nworkers = " + std::to_string(options_.workers) +
                                 "\ngrace = \"2s\"\ntelemetry = \"" + options_.telemetry + "\"\n" +
                                 broker_section(through_link, *device, broker_->login(kDevice)) +
                                 options_.agent_more);
  write_text(cloud_config(),
             "[cloud]\nstate_dir = \"" + dir +
                 "/cloud\"\nworkers = " + std::to_string(options_.cloud_workers) +
                 "\ngrace = \"2s\"\ntags = " + list(options_.cloud_tags) +
                 "\n[http]\nlisten = \"127.0.0.1:" + std::to_string(options_.http_port) + "\"\n" +
                 broker_section(direct, *cloud, broker_->login("cloud")) + options_.cloud_more);
  return {};
}

Result<Process> Testbed::launch(const std::string& name, const std::string& config) {
  std::string log = options_.directory + "/" + name + ".log";
  return Process::start({.argv = {binary(name), "--config", config}, .output = log, .errors = log});
}

Status Testbed::start_agent() {
  agent_.reset();
  auto agent = launch("spillway-agent", agent_config());
  if (!agent) return agent.error();
  agent_.emplace(*std::move(agent));
  return {};
}

Status Testbed::start_cloud() {
  cloud_.reset();
  auto cloud = launch("spillway-cloud", cloud_config());
  if (!cloud) return cloud.error();
  cloud_.emplace(*std::move(cloud));
  return {};
}

Result<intake::Client> Testbed::client() const {
  Result<intake::Client> client = intake::Client::connect(socket());
  eventually(10s, [&] {
    if (!client) client = intake::Client::connect(socket());
    return client.ok();
  });
  return client;
}

bool Testbed::wait_for_link(std::chrono::milliseconds timeout) const {
  return eventually(timeout, [&] {
    auto client = intake::Client::connect(socket());
    if (!client) return false;
    auto status = client->ask<NodeView>(wire::StatusRequest{}, 2s);
    return status && status->link_up;
  });
}

}  // namespace spillway::test
