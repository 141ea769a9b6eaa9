#include <signal.h>

#include <algorithm>
#include <memory>

#include "tests/integration/mqtt/peer.h"
#include "tests/support/process.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

namespace {

constexpr const char* kUp = "spw/1/07/pump-17/up/task";
constexpr const char* kDown = "spw/1/07/pump-17/down/ack";

}  // namespace

TEST_GROUP(MqttTraffic) {
  const World& world = World::get();
  TempDir dir;
  std::unique_ptr<Broker> broker;
  process::Loop loop;
  std::unique_ptr<Peer> pump, cloud;

  void start(const std::string& more = "") {
    auto started = Broker::start({.directory = dir.path(), .tls = world.server, .more = more});
    CHECK_TEXT(started.ok(), started.ok() ? "" : started.error().message.c_str());
    broker = std::make_unique<Broker>(std::move(*started));
    pump = std::make_unique<Peer>(loop, broker->uri(), &world.pump, "pump-17");
    cloud = std::make_unique<Peer>(loop, broker->uri(), &world.cloud, "cloud");
    connect_both();
    CHECK(cloud->transport->subscribe({"spw/1/+/+/up/#"}).ok());
    CHECK(pump->transport->subscribe({"spw/1/+/pump-17/down/#", "spw/1/cloud/state"}).ok());
    CHECK(pump->transport->publish(pump->to(kUp, "hello")).ok());
    CHECK(run_until(loop, kPatience,
                    [&] { return cloud->got(kUp, "hello") && pump->published == 1; }));
  }
  void connect_both() {
    cloud->connect();
    pump->connect();
    CHECK(run_until(loop, kPatience, [&] { return cloud->ups + pump->ups == 2; }));
  }
};

TEST(MqttTraffic, twenty_thousand_messages_arrive_once_and_in_order_within_the_window) {
  start();
  constexpr int kMessages = 20'000;
  constexpr int kWindow = 128;
  int next = 0;
  bool ordered = true;
  cloud->on_message = [&](const std::string&, Bytes payload) {
    ordered = ordered && as_text(payload) == std::to_string(next);
    ++next;
  };
  const int before = pump->published;
  int sent = 0;
  int most = 0;
  CHECK(run_until(loop, 5 * kPatience, [&] {
    while (sent < kMessages && sent - (pump->published - before) < kWindow) {
      CHECK(pump->transport->publish(pump->to(kUp, std::to_string(sent))).ok());
      ++sent;
      most = std::max(most, sent - (pump->published - before));
    }
    return next == kMessages;
  }));
  CHECK(ordered);
  LONGS_EQUAL(kWindow, most);
  CHECK(run_until(loop, kPatience, [&] { return pump->published - before == kMessages; }));
}

TEST(MqttTraffic, small_messages_do_not_wait_for_acknowledgements_of_others) {
  start();
  cloud->on_message = [&](const std::string&, Bytes payload) {
    CHECK(cloud->transport->publish({.topic = kDown, .payload = std::move(payload)}).ok());
  };
  std::vector<double> milliseconds;
  for (int i = 0; i < 200; ++i) {
    const auto begin = SteadyClock::now();
    pump->messages.clear();
    CHECK(pump->transport->publish(pump->to(kUp, std::string(300, 'e'))).ok());
    CHECK(run_until(loop, kPatience, [&] { return !pump->messages.empty(); }));
    milliseconds.push_back(
        std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count());
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  // Without TCP_NODELAY the median is 88 ms: Nagle's algorithm against delayed acknowledgements.
  const double median = milliseconds[milliseconds.size() / 2];
  CHECK_TEXT(median < 15, std::to_string(median).c_str());
}

TEST(MqttTraffic, a_message_that_is_too_large_is_refused_and_nothing_else_suffers) {
  start();
  auto huge = pump->to(kUp, std::string(mqtt::kMaxPayload + 1, 'x'));
  const Status refused = pump->transport->publish(huge);
  CHECK_FALSE(refused.ok());
  CHECK(refused.error().code == Code::invalid_argument);
  auto largest = pump->to(kUp, std::string(mqtt::kMaxPayload, 'y'));
  CHECK(pump->transport->publish(largest).ok());
  CHECK(run_until(loop, kPatience, [&] { return cloud->messages.size() == 2; }));
  LONGS_EQUAL(mqtt::kMaxPayload, cloud->messages[1].second.size());
}

TEST(MqttTraffic, what_the_broker_allows_is_respected) {
  start("max_packet_size 20000\n");
  CHECK(pump->transport->publish(pump->to(kUp, std::string(10'000, 'x'))).ok());
  const Status refused = pump->transport->publish(pump->to(kUp, std::string(20'000, 'x')));
  CHECK_FALSE(refused.ok());
  CHECK(run_until(loop, kPatience, [&] { return cloud->messages.size() == 2; }));
  LONGS_EQUAL(0, pump->problems.size());
}

TEST(MqttTraffic, a_message_larger_than_we_take_is_not_delivered_and_the_link_stands) {
  // This broker takes nothing so large of its own accord.
  start("message_size_limit 0\nmax_packet_size 1000000\n");
  cloud->transport->disconnect();  // whose name the program has
  // Sent by a program that knows no limits.
  write_text(dir.file("huge"), std::string(mqtt::kMaxPayload * 2, 'h'));
  const auto sent =
      run_command({"mosquitto_pub", "-V", "5", "-p", std::to_string(broker->port()), "-h",
                   "127.0.0.1", "--cafile", world.cloud.ca, "--cert", world.cloud.certificate,
                   "--key", world.cloud.key, "-q", "1", "-t", kDown, "-f", dir.file("huge")});
  CHECK_TEXT(sent.ok(), sent.ok() ? "" : sent.error().message.c_str());
  cloud->connect();
  CHECK(run_until(loop, kPatience, [&] { return cloud->ups == 2; }));
  CHECK(cloud->transport->publish(cloud->to(kDown, "after")).ok());
  CHECK(run_until(loop, kPatience, [&] { return pump->got(kDown, "after"); }));
  LONGS_EQUAL(1, pump->messages.size());
  LONGS_EQUAL(0, pump->problems.size());
}

TEST(MqttTraffic, nothing_is_kept_for_later_while_the_link_is_down) {
  start();
  broker->kill();
  CHECK(run_until(loop, kPatience, [&] { return !pump->problems.empty(); }));
  for (int i = 0; i < 100; ++i) {
    const Status refused = pump->transport->publish(pump->to(kUp, "lost"));
    CHECK_FALSE(refused.ok());
    CHECK(refused.error().code == Code::unavailable);
  }
  CHECK_FALSE(pump->transport->subscribe({"#"}).ok());
  LONGS_EQUAL(0, pump->transport->max_in_flight());
}

TEST(MqttTraffic, more_than_can_be_in_flight_is_refused_as_busy) {
  start();
  const std::size_t most = pump->transport->max_in_flight();
  CHECK(most >= 512);
  // A broker that stands still acknowledges nothing, however fast the machine is.
  ::kill(broker->pid(), SIGSTOP);
  std::size_t taken = 0;
  Status status;
  while (status.ok() && taken < 2 * most) {
    status = pump->transport->publish(pump->to(kUp, std::string(2000, 'b')));
    taken += status.ok() ? 1 : 0;
  }
  ::kill(broker->pid(), SIGCONT);
  CHECK_FALSE(status.ok());
  CHECK(status.error().code == Code::busy);
  CHECK(taken >= most);
  CHECK(run_until(loop, kPatience, [&] { return pump->published == static_cast<int>(taken) + 1; }));
}

TEST(MqttTraffic, own_messages_do_not_come_back) {
  start();
  CHECK(cloud->transport->subscribe({"spw/1/cloud/state"}).ok());
  CHECK(cloud->transport->publish(cloud->to("spw/1/cloud/state", "up")).ok());
  CHECK(run_until(loop, kPatience, [&] { return pump->got("spw/1/cloud/state", "up"); }));
  run_for(loop, 50ms);
  CHECK_FALSE(cloud->got("spw/1/cloud/state", "up"));
}

TEST(MqttTraffic, properties_travel_with_a_message) {
  start();
  auto listener = Process::start({.argv = {"mosquitto_sub",
                                           "-V",
                                           "5",
                                           "-p",
                                           std::to_string(broker->port()),
                                           "-h",
                                           "127.0.0.1",
                                           "--cafile",
                                           world.cloud.ca,
                                           "--cert",
                                           world.cloud.certificate,
                                           "--key",
                                           world.cloud.key,
                                           "-q",
                                           "1",
                                           "-t",
                                           kUp,
                                           "-C",
                                           "1",
                                           "-F",
                                           "%C|%E|%P|%p"},
                                  .output = dir.file("heard")});
  // The program's certificate is the cloud's, and so its name, which ends the cloud's connection.
  CHECK(run_until(loop, kPatience, [&] { return !cloud->problems.empty(); }));
  auto message = pump->to(kUp, "body");
  message.content_type = "application/test";
  message.expiry = 60s;
  message.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  // The listener's subscription may stand a moment later than its connection.
  CHECK(run_until(loop, kPatience, [&] {
    run_for(loop, 20ms);
    return pump->transport->publish(message).ok() && !listener->running();
  }));
  STRCMP_EQUAL(
      "application/test|60|traceparent:00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01|"
      "body\n",
      read_text(dir.file("heard")).c_str());
}
