#include <fstream>
#include <memory>

#include "common/wire/topics.h"
#include "tests/integration/mqtt/peer.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using namespace std::chrono_literals;
using wire::Channel;

namespace {

std::string up(const char* device, Channel channel) {
  return wire::to_string({device, wire::Direction::up, channel});
}
std::string down(const char* device, Channel channel) {
  return wire::to_string({device, wire::Direction::down, channel});
}

std::uint64_t memory_of(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string word; status >> word;) {
    if (word == "VmRSS:")
      status >> word;
    else
      continue;
    return std::stoull(word) * 1024;
  }
  return 0;
}

}  // namespace

// mosquitto with the configuration and the access list that the packages bring.
TEST_GROUP(BrokerConfig) {
  const World& world = World::get();
  TempDir dir;
  std::unique_ptr<Broker> broker;
  process::Loop loop;
  std::unique_ptr<Peer> pump, cloud;

  void start(test::BrokerOptions options = {}) {
    options.directory = dir.path();
    options.tls = world.server;
    auto started = Broker::start(options);
    CHECK_TEXT(started.ok(), started.ok() ? "" : started.error().message.c_str());
    broker = std::make_unique<Broker>(std::move(*started));
    pump = std::make_unique<Peer>(loop, broker->uri(), &world.pump, "pump-17");
    cloud = std::make_unique<Peer>(loop, broker->uri(), &world.cloud, "cloud");
    cloud->connect();
    pump->connect();
    CHECK(run_until(loop, kPatience, [&] { return cloud->ups + pump->ups == 2; }));
    CHECK(cloud->transport->subscribe({"spw/1/+/+/up/#"}).ok());
    CHECK(pump->transport->subscribe({"spw/1/+/pump-17/down/#", "spw/1/cloud/state"}).ok());
  }
  // Published, and taken or not.
  bool takes(Peer & peer, const std::string& topic, const std::string& text = "x",
             bool retained = false) {
    const int before = peer.published;
    const std::size_t refused = peer.refusals.size();
    mqtt::Publication publication = peer.to(topic, text);
    publication.retained = retained;
    CHECK(peer.transport->publish(publication).ok());
    CHECK(run_until(loop, kPatience, [&] { return peer.published > before; }));
    run_for(loop, 5ms);  // a refusal comes right behind
    LONGS_EQUAL(0, peer.problems.size());
    return peer.refusals.size() == refused;
  }
};

TEST(BrokerConfig, every_channel_that_is_in_use_is_open_to_its_own_device_alone) {
  start();
  for (const Channel channel : {Channel::state, Channel::task, Channel::ack, Channel::result,
                                Channel::tel, Channel::evt, Channel::ota, Channel::rsp}) {
    CHECK_TEXT(takes(*pump, up("pump-17", channel)), up("pump-17", channel).c_str());
    CHECK_FALSE(takes(*pump, up("valve-3", channel)));
    CHECK_FALSE(takes(*cloud, up("pump-17", channel)));
    CHECK(run_until(loop, kPatience, [&] { return cloud->got(up("pump-17", channel), "x"); }));
  }
  for (const Channel channel :
       {Channel::task, Channel::ack, Channel::result, Channel::ota, Channel::cfg, Channel::rpc}) {
    const std::string topic = down("pump-17", channel);
    CHECK_FALSE(takes(*pump, topic));
    CHECK_TEXT(takes(*cloud, topic), topic.c_str());
    CHECK(run_until(loop, kPatience, [&] { return pump->got(topic, "x"); }));
  }
  CHECK(takes(*cloud, std::string(wire::kCloudState)));
  CHECK(run_until(loop, kPatience, [&] { return pump->got(std::string(wire::kCloudState), "x"); }));
}

TEST(BrokerConfig, what_is_no_channel_is_closed) {
  start();
  CHECK_FALSE(takes(*pump, "spw/1/04/pump-17/up/anything"));
  CHECK_FALSE(takes(*pump, "spw/1/04/pump-17/up/evt/more"));
  CHECK_FALSE(takes(*pump, "spw/1/04/pump-17/up"));
  CHECK_FALSE(takes(*pump, std::string(wire::kCloudState)));
  CHECK_FALSE(takes(*pump, "anything"));
}

TEST(BrokerConfig, a_device_hears_nothing_that_is_meant_for_another) {
  start();
  CHECK(takes(*cloud, down("pump-17", Channel::cfg), "kept for the pump", true));
  Peer valve(loop, broker->uri(), &world.valve, "valve-3");
  valve.connect();
  CHECK(run_until(loop, kPatience, [&] { return valve.ups == 1; }));
  CHECK(valve.transport->subscribe({"#", "spw/1/+/+/down/#", "spw/1/+/+/up/#"}).ok());
  CHECK(takes(*pump, up("pump-17", Channel::evt)));
  CHECK(takes(*cloud, down("pump-17", Channel::rpc)));
  CHECK(takes(*cloud, down("valve-3", Channel::rpc), "its own"));
  CHECK(run_until(loop, kPatience,
                  [&] { return valve.got(down("valve-3", Channel::rpc), "its own"); }));
  for (const auto& [topic, text] : valve.messages) {
    STRCMP_EQUAL(down("valve-3", Channel::rpc).c_str(), topic.c_str());
  }
}

TEST(BrokerConfig, nobody_takes_the_client_id_of_another) {
  start();
  Peer valve(loop, broker->uri(), &world.valve, "pump-17");
  valve.connect();
  CHECK(run_until(loop, kPatience, [&] { return valve.ups == 1; }));
  CHECK(takes(valve, up("valve-3", Channel::evt)));
  CHECK_FALSE(takes(valve, up("pump-17", Channel::evt)));
  CHECK(takes(*pump, up("pump-17", Channel::evt)));
}

TEST(BrokerConfig, the_largest_message_passes_and_a_larger_one_does_not) {
  start();
  CHECK(takes(*pump, up("pump-17", Channel::evt), std::string(mqtt::kMaxPayload, 'x')));
  LONGS_EQUAL(266'240, pump->transport->granted().maximum_packet.value_or(0));
  // Sent by a program that knows no limits.
  pump->transport->disconnect();
  const auto send = [&](std::size_t size) {
    write_text(dir.file("file"), std::string(size, 'h'));
    return run_command({"mosquitto_pub", "-V", "5", "-h", "127.0.0.1", "-p",
                        std::to_string(broker->port()), "--cafile", world.pump.ca, "--cert",
                        world.pump.certificate, "--key", world.pump.key, "-q", "1", "-t",
                        up("pump-17", Channel::evt), "-f", dir.file("file")});
  };
  CHECK(run_until(loop, kPatience, [&] { return cloud->messages.size() == 1; }));
  CHECK(send(100'000).ok());
  CHECK(run_until(loop, kPatience, [&] { return cloud->messages.size() == 2; }));
  (void)send(mqtt::kMaxPayload + 1);  // is told so
  (void)send(4 * mqtt::kMaxPayload);  // is thrown out
  CHECK(send(100).ok());
  CHECK(run_until(loop, kPatience, [&] { return cloud->messages.size() == 3; }));
  LONGS_EQUAL(100, cloud->messages[2].second.size());
}

TEST(BrokerConfig, a_device_can_leave_so_many_retained_messages_and_no_more) {
  start();
  char topic[40];
  for (unsigned shard = 0; shard < 64; ++shard) {
    std::snprintf(topic, sizeof topic, "spw/1/%02x/pump-17/up/state", shard);
    CHECK_TEXT(takes(*pump, topic, "x", true), topic);
  }
  for (const char* shard : {"40", "ff", "0", "000", "0A", "3F", "any", ""}) {
    CHECK_FALSE(takes(*pump, "spw/1/" + std::string(shard) + "/pump-17/up/state", "x", true));
  }
}

TEST(BrokerConfig, who_fills_the_brokers_memory_is_thrown_out_and_others_go_on) {
  constexpr std::uint64_t kLimit = 24 << 20;
  start({.directory = {}, .tls = {}, .more = "memory_limit " + std::to_string(kLimit) + "\n"});
  STRCMP_CONTAINS("\nmemory_limit 1073741824\n", read_text(dir.file("mosquitto.conf")).c_str());
  const std::string much(200'000, 'x');
  for (unsigned i = 0; i < 500 && pump->problems.empty(); ++i) {
    char topic[40];
    std::snprintf(topic, sizeof topic, "spw/1/%02x/pump-17/up/%s", i % 64, i < 64 ? "evt" : "rsp");
    mqtt::Publication kept = pump->to(topic, much);
    kept.retained = true;
    const int before = pump->published;
    if (!pump->transport->publish(kept)) break;
    run_until(loop, kPatience, [&] { return pump->published > before || !pump->problems.empty(); });
  }
  LONGS_EQUAL(1, pump->problems.size());
  // TLS counts apart.
  CHECK(memory_of(broker->pid()) < kLimit + (40 << 20));
  Peer valve(loop, broker->uri(), &world.valve, "valve-3");
  valve.connect();
  CHECK(run_until(loop, kPatience, [&] { return valve.ups == 1; }));
  CHECK(takes(valve, up("valve-3", Channel::evt), "still here"));
  CHECK(run_until(loop, kPatience,
                  [&] { return cloud->got(up("valve-3", Channel::evt), "still here"); }));
}

TEST(BrokerConfig, a_revoked_certificate_is_refused_and_the_others_are_not) {
  auto revoked = world.pki.revoke(world.valve);
  CHECK_TEXT(revoked.ok(), revoked.ok() ? "" : revoked.error().message.c_str());
  start({.directory = {}, .tls = {}, .more = {}, .revoked = *revoked});
  Peer valve(loop, broker->uri(), &world.valve, "valve-3");
  // The broker's reason can get lost with its connection, so it is asked again; none is ever let
  // in.
  bool says_why = false;
  for (std::size_t tries = 1; tries <= 10 && !says_why; ++tries) {
    valve.connect();
    CHECK(run_until(loop, kPatience, [&] { return valve.problems.size() >= tries; }));
    says_why = valve.problems.back().find("revoked") != std::string::npos;
  }
  CHECK_TEXT(says_why, valve.problems.back().c_str());
  LONGS_EQUAL(0, valve.ups);
}
