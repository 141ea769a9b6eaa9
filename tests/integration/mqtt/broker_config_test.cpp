#include <memory>

#include "common/wire/topics.h"
#include "tests/integration/mqtt/peer.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using namespace std::chrono_literals;

namespace {

void replace(std::string& text, const std::string& what, const std::string& with) {
  const auto at = text.find(what);
  CHECK_TEXT(at != text.npos, what.c_str());
  text.replace(at, what.size(), with);
}

std::string up(const char* device, wire::Channel channel) {
  return wire::to_string({device, wire::Direction::up, channel});
}

}  // namespace

// mosquitto with the configuration that the packages bring; only places of files are another.
TEST_GROUP(BrokerConfig) {
  const World& world = World::get();
  TempDir dir;
  std::unique_ptr<Broker> broker;
  runtime::Loop loop;
  std::unique_ptr<Peer> pump, cloud;

  void setup() override {
    const std::string files = SPILLWAY_BROKER_FILES, there = "/etc/spillway-cloud/broker/";
    std::string text = read_text(files + "/mosquitto.conf");
    replace(text, "cafile " + there + "ca.pem", "cafile " + world.server.ca);
    replace(text, there + "server.pem", world.server.certificate);
    replace(text, there + "server.key", world.server.key);
    replace(text, there + "access.acl", files + "/access.acl");
    auto started =
        Broker::start({.directory = dir.path(), .tls = world.server, .instead = std::move(text)});
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
  bool takes(Peer & peer, const std::string& topic, const std::string& text = "x") {
    const int before = peer.published;
    const std::size_t refused = peer.refusals.size();
    CHECK(peer.transport->publish(peer.to(topic, text)).ok());
    CHECK(run_until(loop, kPatience, [&] { return peer.published > before; }));
    run_for(loop, 20ms);
    return peer.refusals.size() == refused;
  }
};

TEST(BrokerConfig, every_channel_that_is_in_use_is_open_to_its_own_device_alone) {
  using wire::Channel;
  for (const Channel channel : {Channel::state, Channel::task, Channel::ack, Channel::result,
                                Channel::tel, Channel::evt, Channel::ota, Channel::rsp}) {
    CHECK_TEXT(takes(*pump, up("pump-17", channel)), up("pump-17", channel).c_str());
    CHECK_FALSE(takes(*pump, up("valve-3", channel)));
    CHECK(run_until(loop, kPatience, [&] { return cloud->got(up("pump-17", channel), "x"); }));
  }
  for (const Channel channel :
       {Channel::task, Channel::ack, Channel::result, Channel::ota, Channel::cfg, Channel::rpc}) {
    const std::string topic = wire::to_string({"pump-17", wire::Direction::down, channel});
    CHECK_FALSE(takes(*pump, topic));
    CHECK_TEXT(takes(*cloud, topic), topic.c_str());
    CHECK(run_until(loop, kPatience, [&] { return pump->got(topic, "x"); }));
  }
}

TEST(BrokerConfig, what_is_no_channel_is_closed) {
  CHECK_FALSE(takes(*pump, "spw/1/00/pump-17/up/anything"));
  CHECK_FALSE(takes(*pump, "spw/1/00/pump-17/up/evt/more"));
  CHECK_FALSE(takes(*pump, "spw/1/cloud/state"));
}

TEST(BrokerConfig, nobody_ends_the_connection_of_another_by_its_client_id) {
  Peer valve(loop, broker->uri(), &world.valve, "pump-17");
  valve.connect();
  CHECK(run_until(loop, kPatience, [&] { return valve.ups == 1; }));
  CHECK(takes(valve, up("valve-3", wire::Channel::evt)));
  CHECK(takes(*pump, up("pump-17", wire::Channel::evt)));
  LONGS_EQUAL(0, pump->problems.size());
}

TEST(BrokerConfig, the_largest_message_passes_and_a_larger_one_does_not) {
  CHECK(
      takes(*pump, up("pump-17", wire::Channel::evt), std::string(mqtt::kMaxPayload - 4096, 'x')));
  CHECK(pump->transport->granted().maximum_packet == 266'240u);
}
