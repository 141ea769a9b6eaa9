#include <memory>
#include <optional>

#include "common/link/link.h"
#include "tests/integration/mqtt/peer.h"
#include "tests/support/eventually.h"
#include "tests/support/link_proxy.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using namespace std::chrono_literals;

namespace {

constexpr const char* kState = "spw/1/07/pump-17/up/state";

}  // namespace

TEST_GROUP(MqttSession) {
  const World& world = World::get();
  TempDir dir;
  std::unique_ptr<Broker> broker;
  std::optional<LinkProxy> proxy;
  process::Loop loop;
  std::unique_ptr<Peer> pump, cloud;

  void setup() override {
    auto started = Broker::start({.directory = dir.path(), .tls = world.server});
    CHECK_TEXT(started.ok(), started.ok() ? "" : started.error().message.c_str());
    broker = std::make_unique<Broker>(std::move(*started));
    auto link = LinkProxy::start(broker->port());
    CHECK(link.ok());
    proxy.emplace(std::move(*link));
    pump = std::make_unique<Peer>(loop, "mqtts://127.0.0.1:" + std::to_string(proxy->port()),
                                  &world.pump, "pump-17");
    cloud = std::make_unique<Peer>(loop, broker->uri(), &world.cloud, "cloud");
  }
  void connect(Peer & peer) {
    const int before = peer.ups;
    peer.connect();
    CHECK_TEXT(run_until(loop, kPatience, [&] { return peer.ups > before; }),
               peer.problems.empty() ? "no answer" : peer.problem().c_str());
  }
  void subscribe(Peer & peer, const std::string& filter) {
    CHECK(peer.transport->subscribe({filter}).ok());
  }
  // The device says hello and the cloud hears it, so its subscription stands.
  void meet() {
    pump->options.will = mqtt::Will{kState, to_bytes("gone"), 0s};
    const int before = pump->ups;
    pump->connect();  // at once: each waits a second for Paho
    connect(*cloud);
    subscribe(*cloud, "spw/1/+/+/up/#");
    CHECK(run_until(loop, kPatience, [&] { return pump->ups > before; }));
    auto birth = pump->to(kState, "here");
    birth.retained = true;
    CHECK(pump->transport->publish(birth).ok());
    CHECK(run_until(loop, kPatience, [&] { return cloud->got(kState, "here"); }));
  }
};

TEST(MqttSession, the_will_is_published_when_the_link_is_cut) {
  meet();
  proxy->cut();
  CHECK(run_until(loop, kPatience, [&] { return cloud->got(kState, "gone"); }));
  CHECK(run_until(loop, kPatience, [&] { return pump->problems.size() == 1; }));
  // Retained: who comes later hears it too.
  cloud->transport->disconnect();
  Peer late(loop, broker->uri(), &world.cloud, "cloud");
  connect(late);
  subscribe(late, "spw/1/+/+/up/state");
  CHECK(run_until(loop, kPatience, [&] { return late.got(kState, "gone"); }));
}

TEST(MqttSession, the_will_waits_for_its_delay) {
  connect(*cloud);
  subscribe(*cloud, "spw/1/+/+/up/#");
  pump->options.will = mqtt::Will{kState, to_bytes("gone"), 2s};
  pump->options.session_expiry = 60s;
  connect(*pump);
  const auto cut = std::chrono::steady_clock::now();
  proxy->cut();
  CHECK(run_until(loop, kPatience, [&] { return cloud->got(kState, "gone"); }));
  // The broker counts in whole seconds.
  CHECK(std::chrono::steady_clock::now() - cut >= 1s);
}

TEST(MqttSession, no_will_after_a_graceful_end_and_what_was_published_still_goes_out) {
  meet();
  for (int i = 0; i < 50; ++i) {
    CHECK(pump->transport->publish(pump->to("spw/1/07/pump-17/up/evt", std::to_string(i))).ok());
  }
  pump->transport->disconnect();
  CHECK(run_until(loop, kPatience, [&] { return cloud->got("spw/1/07/pump-17/up/evt", "49"); }));
  run_for(loop, 300ms);
  CHECK_FALSE(cloud->got(kState, "gone"));
  LONGS_EQUAL(0, pump->problems.size());
}

TEST(MqttSession, no_will_when_the_transport_is_destroyed) {
  meet();
  CHECK(pump->transport->publish(pump->to("spw/1/07/pump-17/up/evt", "bye")).ok());
  pump.reset();
  CHECK(run_until(loop, kPatience, [&] { return cloud->got("spw/1/07/pump-17/up/evt", "bye"); }));
  run_for(loop, 300ms);
  CHECK_FALSE(cloud->got(kState, "gone"));
}

TEST(MqttSession, comes_back_after_the_broker_was_killed_and_restarted) {
  meet();
  broker->kill();
  CHECK(run_until(loop, kPatience,
                  [&] { return !pump->problems.empty() && !cloud->problems.empty(); }));
  STRCMP_CONTAINS("connection was lost", pump->problem().c_str());
  CHECK_FALSE(pump->transport->publish(pump->to(kState)).ok());
  CHECK(broker->start_again().ok());
  cloud->messages.clear();
  meet();
}

TEST(MqttSession, a_half_open_link_is_noticed) {
  pump->options.keep_alive = 1s;
  meet();
  proxy->freeze();
  CHECK(run_until(loop, kPatience, [&] { return pump->problems.size() == 1; }));
}

TEST(MqttSession, another_client_of_the_same_name_ends_the_first_once) {
  meet();
  Peer twin(loop, broker->uri(), &world.pump, "pump-17");
  connect(twin);
  // mosquitto 2.0 closes without the DISCONNECT that would tell why.
  CHECK(run_until(loop, kPatience, [&] { return pump->problems.size() == 1; }));
  run_for(loop, 50ms);
  LONGS_EQUAL(1, pump->problems.size());
  LONGS_EQUAL(0, twin.problems.size());
}

TEST(MqttSession, a_persistent_session_keeps_what_came_while_it_was_away) {
  cloud->options.clean_start = false;
  cloud->options.session_expiry = 60s;
  meet();
  cloud->transport->disconnect();
  CHECK(eventually(
      5s, [&] { return broker->log().find("Client cloud disconnected") != std::string::npos; }));
  CHECK(pump->transport->publish(pump->to("spw/1/07/pump-17/up/evt", "missed?")).ok());
  CHECK(run_until(loop, kPatience, [&] { return pump->published == 2; }));
  connect(*cloud);
  CHECK(
      run_until(loop, kPatience, [&] { return cloud->got("spw/1/07/pump-17/up/evt", "missed?"); }));
}

TEST(MqttSession, a_device_cannot_publish_as_another) {
  meet();
  CHECK(pump->transport->publish(pump->to("spw/1/09/valve-3/up/evt", "forged")).ok());
  CHECK(run_until(loop, kPatience, [&] { return !pump->refusals.empty(); }));
  STRCMP_CONTAINS("does not authorise", pump->refusals[0].c_str());
  // The window place is free again, and the connection stands.
  LONGS_EQUAL(2, pump->published);
  CHECK(pump->transport->publish(pump->to("spw/1/07/pump-17/up/evt", "own")).ok());
  CHECK(run_until(loop, kPatience, [&] { return cloud->got("spw/1/07/pump-17/up/evt", "own"); }));
  CHECK_FALSE(cloud->got("spw/1/09/valve-3/up/evt", "forged"));
}

TEST(MqttSession, a_device_cannot_hear_another) {
  meet();
  Peer valve(loop, broker->uri(), &world.valve, "valve-3");
  connect(valve);
  CHECK(valve.transport->subscribe({"spw/1/+/+/down/#", "spw/1/+/+/up/#", "#"}).ok());
  connect(*cloud);
  auto own = cloud->to("spw/1/09/valve-3/down/cfg", "for the valve");
  own.retained = true;
  CHECK(cloud->transport->publish(cloud->to("spw/1/07/pump-17/down/cfg", "for the pump")).ok());
  CHECK(cloud->transport->publish(own).ok());
  CHECK(run_until(loop, kPatience,
                  [&] { return valve.got("spw/1/09/valve-3/down/cfg", "for the valve"); }));
  CHECK_FALSE(valve.got("spw/1/07/pump-17/down/cfg", "for the pump"));
  CHECK_FALSE(valve.got(kState, "here"));
}

TEST(MqttSession, a_device_cannot_speak_for_the_cloud) {
  meet();
  CHECK(pump->transport->publish(pump->to("spw/1/cloud/state", "forged")).ok());
  CHECK(run_until(loop, kPatience, [&] { return !pump->refusals.empty(); }));
}

TEST(MqttSession, the_link_machine_brings_a_cut_link_back_by_itself) {
  link::LinkMachine link({.backoff_base = 20ms, .backoff_cap = 200ms});
  const auto now = [] {
    return NodeTime(
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
  };
  mqtt::PahoTransport transport(loop);
  const auto apply = [&](link::LinkMachine::Ask ask) {
    if (ask.disconnect) transport.disconnect();
    if (ask.connect) transport.connect(pump->options);
  };
  int ups = 0;
  transport.listen({.connected =
                        [&] {
                          ++ups;
                          apply(link.on_connected(now()));
                        },
                    .disconnected = [&](const Error&) { apply(link.on_disconnected(now(), 7)); },
                    .message = [](const std::string&, const Bytes&) {},
                    .published = [] {}});
  apply(link.start(now()));
  const auto ups_are = [&](int wanted) {
    return run_until(loop, kPatience, [&] {
      apply(link.on_timer(now(), 7));
      return ups == wanted;
    });
  };
  CHECK(ups_are(1));
  proxy->cut();
  CHECK(run_until(loop, kPatience, [&] { return link.state() == link::LinkState::down; }));
  // Some attempts are refused before the link is healed.
  CHECK(run_until(loop, kPatience, [&] {
    apply(link.on_timer(now(), 7));
    return link.failures() >= 3;
  }));
  proxy->heal();
  CHECK(ups_are(2));
}
