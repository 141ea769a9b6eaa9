#include <memory>

#include "common/mqtt/failure.h"
#include "tests/integration/mqtt/peer.h"
#include "tests/support/link_proxy.h"
#include "tests/support/process.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using namespace std::chrono_literals;

TEST_GROUP(MqttConnect) {
  const World& world = World::get();
  TempDir dir;
  std::unique_ptr<Broker> broker;
  process::Loop loop;

  void start(test::BrokerOptions options) {
    options.directory = dir.path();
    auto started = Broker::start(options);
    CHECK_TEXT(started.ok(), started.ok() ? "" : started.error().message.c_str());
    broker = std::make_unique<Broker>(std::move(*started));
  }
  void start_tls() { start({.tls = world.server}); }

  bool connects(Peer & peer) {
    peer.connect();
    return run_until(loop, kPatience, [&] { return peer.ups == 1 || !peer.problems.empty(); }) &&
           peer.ups == 1;
  }
  // Connecting fails, with one report, whose words are of use.
  void fails(Peer & peer, Code code, const char* words) {
    CHECK_FALSE(connects(peer));
    run_for(loop, 50ms);
    LONGS_EQUAL(1, peer.problems.size());
    STRCMP_CONTAINS(words, peer.problem().c_str());
    LONGS_EQUAL(static_cast<int>(code), static_cast<int>(peer.codes.back()));
  }
};

TEST(MqttConnect, over_mutual_tls_1_3) {
  start_tls();
  Peer pump(loop, broker->uri(), &world.pump, "pump-17");
  CHECK(connects(pump));
  STRCMP_CONTAINS("u'pump-17'", broker->log().c_str());
}

TEST(MqttConnect, to_an_ipv6_address_that_the_certificate_names) {
  start({.tls = world.server, .host = "[::1]"});
  Peer pump(loop, broker->uri(), &world.pump, "pump-17");
  CHECK_TEXT(connects(pump), pump.problems.empty() ? "no answer" : pump.problem().c_str());
  STRCMP_CONTAINS("mqtts://[::1]:", broker->uri().c_str());
}

TEST(MqttConnect, an_ipv6_address_that_the_certificate_does_not_name_is_not_trusted) {
  start({.tls = *world.pki.server("elsewhere.example"), .host = "[::1]"});
  Peer pump(loop, broker->uri(), &world.pump, "pump-17");
  fails(pump, Code::denied, "the broker's certificate is not for the host '::1'");
}

TEST(MqttConnect, without_tls_where_the_broker_allows_it) {
  start({});
  Peer anyone(loop, broker->uri(), nullptr, "anyone");
  CHECK(connects(anyone));
}

TEST(MqttConnect, a_broker_that_is_not_there_is_reported_as_refusing) {
  Peer pump(loop, "mqtts://127.0.0.1:" + std::to_string(free_port()), &world.pump, "pump-17");
  fails(pump, Code::unavailable, "Connection refused");
}

TEST(MqttConnect, a_name_that_does_not_exist_is_reported_as_such) {
  Peer pump(loop, "mqtts://no-such-host.invalid", &world.pump, "pump-17");
  fails(pump, Code::unavailable, "no-such-host.invalid:8883: the name cannot be resolved");
}

TEST(MqttConnect, an_address_that_is_none_is_refused_before_anything_is_tried) {
  Peer pump(loop, "tcp://127.0.0.1", &world.pump, "pump-17");
  fails(pump, Code::invalid_argument, "expected mqtts://HOST");
  Peer bare(loop, "mqtts://127.0.0.1", nullptr, "pump-17");
  fails(bare, Code::invalid_argument, "set the CA file");
  Peer mixed(loop, "mqtt://127.0.0.1", &world.pump, "pump-17");
  fails(mixed, Code::invalid_argument, "use mqtts://");
}

TEST(MqttConnect, a_broker_signed_by_another_ca_is_not_trusted) {
  start_tls();
  Credentials wrong = world.pump;
  wrong.ca = world.other_pki.ca();
  Peer pump(loop, broker->uri(), &wrong, "pump-17");
  fails(pump, Code::denied, "other.pem is not the CA that signed it");
}

TEST(MqttConnect, a_broker_signed_by_a_ca_that_only_the_system_trusts_is_not_trusted) {
  start_tls();
  setenv("SSL_CERT_FILE", world.pki.ca().c_str(), 1);
  Credentials wrong = world.pump;
  wrong.ca = world.other_pki.ca();
  Peer pump(loop, broker->uri(), &wrong, "pump-17");
  fails(pump, Code::denied, "other.pem is not the CA that signed it");
  unsetenv("SSL_CERT_FILE");
}

TEST(MqttConnect, a_broker_whose_certificate_has_expired_is_not_trusted) {
  start({.tls = *world.pki.expired_server()});
  Peer pump(loop, broker->uri(), &world.pump, "pump-17");
  fails(pump, Code::denied, "the broker's certificate is not trusted: it has expired");
}

TEST(MqttConnect, a_broker_with_the_certificate_of_another_host_is_not_trusted) {
  start({.tls = *world.pki.server("elsewhere.example")});
  Peer pump(loop, broker->uri(), &world.pump, "pump-17");
  fails(pump, Code::denied, "the broker's certificate is not for the host '127.0.0.1'");
}

TEST(MqttConnect, a_device_without_a_certificate_is_told_that_it_needs_one) {
  start_tls();
  const Credentials none{world.pki.ca(), "", ""};
  Peer pump(loop, broker->uri(), &none, "pump-17");
  fails(pump, Code::denied, "requires a client certificate and none is configured");
}

TEST(MqttConnect, a_device_whose_certificate_has_expired_is_told_when) {
  start_tls();
  const Credentials old = *world.pki.expired_device("pump-17");
  Peer pump(loop, broker->uri(), &old, "pump-17");
  fails(pump, Code::denied, "this client's certificate 'pump-17' expired on ");
}

TEST(MqttConnect, a_device_signed_by_another_ca_is_told_so) {
  start_tls();
  Credentials foreign = *world.other_pki.device("pump-17");
  foreign.ca = world.pki.ca();
  Peer pump(loop, broker->uri(), &foreign, "pump-17");
  fails(pump, Code::denied, "does not accept this client's certificate 'pump-17'");
}

TEST(MqttConnect, files_that_are_missing_or_do_not_fit_are_named) {
  start_tls();
  Credentials broken = world.pump;
  broken.ca = "/nonexistent/ca.pem";
  Peer no_ca(loop, broker->uri(), &broken, "pump-17");
  fails(no_ca, Code::not_found, "cannot read /nonexistent/ca.pem");
  broken = world.pump;
  broken.key = world.valve.key;
  Peer wrong_key(loop, broker->uri(), &broken, "pump-17");
  fails(wrong_key, Code::invalid_argument, "does not belong to the certificate");
  broken = world.pump;
  write_text(dir.file("garbage.pem"), "not a certificate");
  broken.certificate = dir.file("garbage.pem");
  Peer garbage(loop, broker->uri(), &broken, "pump-17");
  fails(garbage, Code::corrupt, "garbage.pem holds no certificate");
}

TEST(MqttConnect, a_broker_that_speaks_only_tls_1_2_is_turned_down) {
  // No mosquitto option allows 1.2 alone beside another listener; openssl's server does.
  const std::uint16_t port = free_port();
  auto server = Process::start(
      {.argv = {"openssl", "s_server", "-accept", std::to_string(port), "-tls1_2", "-cert",
                world.server.certificate, "-key", world.server.key, "-quiet"}});
  CHECK(run_until(loop, kPatience, [&] { return listens(port); }));
  Peer pump(loop, "mqtts://127.0.0.1:" + std::to_string(port), &world.pump, "pump-17");
  fails(pump, Code::unavailable, "does not speak TLS 1.3");
}

TEST(MqttConnect, asks_within_tls_for_the_protocol_that_it_is_told_to) {
  start({});
  // Where one port serves many protocols, what ends TLS goes by the one that the client names.
  const std::uint16_t port = free_port();
  write_text(dir.file("both.pem"),
             read_text(world.server.certificate) + read_text(world.server.key));
  write_text(dir.file("haproxy.cfg"),
             "defaults\n  mode tcp\n  timeout connect 10s\n  timeout client 60s\n"
             "  timeout server 60s\nlisten many\n  bind 127.0.0.1:" +
                 std::to_string(port) + " ssl crt " + dir.file("both.pem") +
                 " alpn http/1.1,mqtt\n  tcp-request content reject unless { ssl_fc_alpn -m str "
                 "mqtt }\n  server broker 127.0.0.1:" +
                 std::to_string(broker->port()) + "\n");
  auto ends_tls =
      Process::start({.argv = {"/usr/sbin/haproxy", "-db", "-f", dir.file("haproxy.cfg")}});
  CHECK(run_until(loop, kPatience, [&] { return listens(port); }));
  const Credentials no_certificate{world.server.ca, "", ""};
  Peer pump(loop, "mqtts://127.0.0.1:" + std::to_string(port), &no_certificate, "pump-17");
  pump.options.alpn = "mqtt";
  CHECK_TEXT(connects(pump), pump.problems.empty() ? "no answer" : pump.problem().c_str());
  for (const char* other : {"", "http/1.1", "unknown"}) {
    Peer valve(loop, pump.options.uri, &no_certificate, "valve-3");
    valve.options.alpn = other;
    CHECK_FALSE(connects(valve));
  }
}

TEST(MqttConnect, a_port_without_tls_is_recognised) {
  start({});
  Peer pump(loop, "mqtts://127.0.0.1:" + std::to_string(broker->port()), &world.pump, "pump-17");
  fails(pump, Code::unavailable, "what listens there does not speak TLS");
}

TEST(MqttConnect, a_tls_port_spoken_to_without_tls_is_recognised) {
  start_tls();
  Peer anyone(loop, "mqtt://127.0.0.1:" + std::to_string(broker->port()), nullptr, "anyone");
  fails(anyone, Code::unavailable, "its port without TLS?");
}

TEST(MqttConnect, an_attempt_can_be_given_up_and_nothing_of_it_is_heard_again) {
  start_tls();
  auto proxy = LinkProxy::start(broker->port());
  proxy->freeze();
  Peer pump(loop, "mqtts://127.0.0.1:" + std::to_string(proxy->port()), &world.pump, "pump-17");
  pump.connect();
  CHECK(run_until(loop, kPatience, [&] { return proxy->connections() == 1; }));
  pump.transport->disconnect();
  proxy->heal();
  run_for(loop, 200ms);
  LONGS_EQUAL(0, pump.ups);
  LONGS_EQUAL(0, pump.problems.size());
  CHECK(connects(pump));
}

TEST(MqttConnect, may_be_destroyed_at_any_moment) {
  start_tls();
  for (int delay = 0; delay < 40; ++delay) {
    Peer pump(loop, broker->uri(), &world.pump, "pump-17");
    pump.connect();
    run_for(loop, std::chrono::milliseconds(delay / 2));
    if (pump.ups > 0) (void)pump.transport->publish(pump.to("spw/1/00/pump-17/up/evt"));
  }
  loop.run_ready();
}

TEST(MqttConnect, may_be_destroyed_from_inside_its_own_events) {
  start_tls();
  auto transport = std::make_unique<mqtt::PahoTransport>(loop);
  transport->listen({.connected = [&] { transport.reset(); },
                     .disconnected = [](const Error&) {},
                     .message = [](const std::string&, const Bytes&) {},
                     .published = [] {}});
  transport->connect({.uri = broker->uri(),
                      .client_id = "pump-17",
                      .tls = mqtt::Tls{world.pump.ca, world.pump.certificate, world.pump.key}});
  CHECK(run_until(loop, kPatience, [&] { return !transport; }));
  run_for(loop, 20ms);
}
