#include <sys/stat.h>

#include <memory>

#include "common/link/connection.h"
#include "tests/integration/mqtt/peer.h"
#include "tests/support/scripted_broker.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using namespace std::chrono_literals;

namespace {

NodeTime now() {
  return NodeTime(
      std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

}  // namespace

// A node's whole connection, over the real client, against a broker that says what mosquitto never
// does.
TEST_GROUP(BrokerWords) {
  process::Loop loop;
  std::unique_ptr<ScriptedBroker> broker = began();
  mqtt::ConnectOptions options{.uri = broker->uri(), .client_id = "pump-17", .keep_alive = 20s};
  link::LinkPolicy policy{.backoff_base = 20ms, .backoff_cap = 200ms};
  std::unique_ptr<mqtt::PahoTransport> transport;
  std::unique_ptr<link::Connection> connection;
  std::vector<std::string> downs;
  int ups = 0;

  static std::unique_ptr<ScriptedBroker> began() {
    auto started = ScriptedBroker::start();
    CHECK(started.ok());
    return std::make_unique<ScriptedBroker>(std::move(*started));
  }
  void begin() {
    transport = std::make_unique<mqtt::PahoTransport>(loop);
    connection = std::make_unique<link::Connection>(
        *transport, policy,
        link::Hooks{.now = now,
                    .random = [] { return std::uint64_t{7}; },
                    .wall = [] { return Duration(0); },
                    .options = [this] { return options; },
                    .up = [this] { ++ups; },
                    .down = [this](const Error& why) { downs.push_back(why.message); },
                    .message = [](const std::string&, const Bytes&) {},
                    .changed = [] {}});
    connection->start();
  }
  void start() {
    begin();
    CHECK(until([&] { return connection->up(); }));
  }
  void teardown() override {
    if (connection) connection->stop();
    transport.reset();
  }
  bool until(const std::function<bool()>& done, std::chrono::milliseconds patience = kPatience) {
    return run_until(loop, patience, [&] {
      if (now() >= connection->next_timer()) connection->on_timer();
      connection->pump();
      return done();
    });
  }
  // The broker says goodbye and goes on listening.
  void parted(std::uint8_t reason, const char* words, const std::string& properties = {}) {
    start();
    broker->part(reason, properties);
    CHECK(until([&] { return ups == 2; }));
    LONGS_EQUAL(2, broker->connects().size());
    LONGS_EQUAL(1, downs.size());
    STRCMP_CONTAINS(words, downs[0].c_str());
    // The connection that is over is closed on our side, too.
    CHECK(until([&] { return broker->left() == 1; }));
  }
};

TEST(BrokerWords, a_broker_that_shuts_down_is_come_back_to) {
  parted(0x8B, "shutting down", property(kReasonString, std::string("back soon")));
  STRCMP_CONTAINS("back soon", downs[0].c_str());
}

TEST(BrokerWords, one_that_ends_it_without_a_reason_is_come_back_to) {
  parted(0, "ended the connection, without a reason");
}

TEST(BrokerWords, taken_over) { parted(0x8E, "took the session over"); }

TEST(BrokerWords, quota_exceeded) { parted(0x97, "quota"); }

TEST(BrokerWords, closed_by_an_operator) { parted(0x98, "an operator of the broker"); }

TEST(BrokerWords, heard_too_little) {
  parted(0x8D, "heard nothing from us");
  LONGS_EQUAL(20, broker->connects()[0].keep_alive);
  LONGS_EQUAL(10, broker->connects()[1].keep_alive);
}

TEST(BrokerWords, sent_to_another_server) {
  auto other = began();
  start();
  broker->part(0x9C, property(kServerReference, "127.0.0.1:" + std::to_string(other->port())));
  CHECK(until([&] { return ups == 2; }));
  LONGS_EQUAL(1, broker->connects().size());
  LONGS_EQUAL(1, other->connects().size());
  STRCMP_CONTAINS("sends its clients to another server", downs[0].c_str());
  // When that one is gone, the first is asked again.
  const std::uint16_t port = other->port();
  other.reset();
  CHECK(until([&] { return ups == 3; }));
  LONGS_EQUAL(2, broker->connects().size());
  CHECK(port != broker->port());
}

TEST(BrokerWords, refusals_are_said_and_tried_again) {
  broker->answer(0x97);
  begin();
  CHECK(until([&] { return !downs.empty(); }));
  STRCMP_CONTAINS("quota", downs[0].c_str());
  broker->answer(0);
  CHECK(until([&] { return connection->up(); }));
}

TEST(BrokerWords, who_refuses_and_names_another_server_has_to_be_configured_away) {
  auto other = began();
  broker->answer(0x9D, property(kServerReference, "127.0.0.1:" + std::to_string(other->port())));
  begin();
  CHECK(until([&] { return !downs.empty(); }));
  STRCMP_CONTAINS("has moved; change broker.uri; if it names the other server with its refusal",
                  downs[0].c_str());
  LONGS_EQUAL(0, other->connects().size());
  broker->answer(0x9C);
  CHECK(until([&] { return downs.back().find("another server for now") != std::string::npos; }));
  STRCMP_CONTAINS("set broker.uri to the one", downs.back().c_str());
  // The broker is asked again all the same: it may take clients some day.
  broker->answer(0);
  CHECK(until([&] { return connection->up(); }));
}

TEST(BrokerWords, a_broker_that_falls_silent_is_left_without_the_keep_alive) {
  policy.quiet = 300ms;
  policy.publish_stall = 500ms;
  start();
  broker->fall_silent(true);
  CHECK(until([&] { return !downs.empty(); }, 10s));
  STRCMP_EQUAL("the broker stopped answering", downs[0].c_str());
  broker->fall_silent(false);
  CHECK(until([&] { return ups == 2; }));
}

TEST(BrokerWords, an_idle_link_is_asked_and_stays) {
  policy.quiet = 100ms;
  policy.publish_stall = 2s;
  start();
  until([] { return false; }, 1500ms);
  LONGS_EQUAL(1, ups);
  LONGS_EQUAL(0, downs.size());
}

TEST(BrokerWords, a_keep_alive_that_the_broker_set_itself_is_kept) {
  broker->answer(0, property(kServerKeepAlive, std::uint16_t{1}));
  broker->expect_within(1500ms);
  start();
  until([] { return false; }, 6s);
  LONGS_EQUAL(0, broker->timed_out());
  LONGS_EQUAL(1, ups);
}

TEST(BrokerWords, an_idle_link_to_a_mosquitto_with_a_short_keep_alive_stays) {
  TempDir dir;
  auto mosquitto = Broker::start({.directory = dir.path(), .more = "max_keepalive 10\n"});
  CHECK(mosquitto.ok());
  options.uri = mosquitto->uri();
  options.keep_alive = 60s;
  start();
  until([] { return false; }, 20s);  // it drops who says nothing for 15 s
  LONGS_EQUAL(1, ups);
  LONGS_EQUAL(0, downs.size());
  CHECK(transport->granted().keep_alive == 10s);
}

TEST(BrokerWords, a_user_and_a_password_travel_and_the_file_is_read_anew) {
  TempDir dir;
  options.user = "pump-17@here";
  options.password_file = dir.file("password");
  begin();
  CHECK(until([&] { return !downs.empty(); }));
  STRCMP_CONTAINS("cannot read the broker's password", downs[0].c_str());
  write_text(options.password_file, "geheim\nnot this\n");
  chmod(options.password_file.c_str(), 0644);
  CHECK(until([&] { return downs.back().find("read by everybody") != std::string::npos; }));
  chmod(options.password_file.c_str(), 0600);
  CHECK(until([&] { return connection->up(); }));
  STRCMP_EQUAL("pump-17@here", broker->connects().back().user.c_str());
  STRCMP_EQUAL("geheim", broker->connects().back().password.c_str());
  for (const std::string& said : downs) CHECK(said.find("geheim") == std::string::npos);
}

TEST(BrokerWords, a_prefix_is_before_what_is_published) {
  options.topic_prefix = "site/3";
  start();
  CHECK(connection->publish({.topic = "spw/1/x"}).ok());
  CHECK(until([&] { return !broker->published().empty(); }));
  STRCMP_EQUAL("site/3/spw/1/x", broker->published()[0].c_str());
}

TEST(BrokerWords, what_the_broker_grants_is_known) {
  broker->answer(0, property(kReceiveMaximum, std::uint16_t{20}) +
                        property(kMaximumPacket, std::uint32_t{70'000}) +
                        property(kMaximumQos, std::uint8_t{1}) +
                        property(kRetainAvailable, std::uint8_t{0}) +
                        property(kSharedAvailable, std::uint8_t{0}));
  start();
  const mqtt::Granted granted = transport->granted();
  LONGS_EQUAL(20, granted.receive_maximum);
  LONGS_EQUAL(70'000, granted.maximum_packet.value_or(0));
  LONGS_EQUAL(1, granted.maximum_qos);
  CHECK_FALSE(granted.retain);
  CHECK_FALSE(granted.shared);
  CHECK(granted.wildcards);
  CHECK(granted.keep_alive == 20s);
  LONGS_EQUAL(19, transport->max_in_flight());
}
