#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/link/connection.h"
#include "common/wire/codec.h"
#include "tests/support/fake_broker.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

TEST_GROUP(Connection) {
  ManualClock clock;
  FakeBroker broker;
  FakeTransport transport{broker};
  std::string prefix;
  std::vector<std::string> went_down, heard;
  link::Connection connection{
      transport,
      {},
      {.now = [this] { return NodeTime(clock.boot_time()); },
       .random = [] { return std::uint64_t{0}; },
       .wall = [this] { return clock.wall_time(); },
       .options =
           [this] {
             mqtt::ConnectOptions options;
             options.client_id = "pump-7";
             options.topic_prefix = prefix;
             if (!prefix.empty()) options.will = mqtt::Will{.topic = "gone", .payload = {}};
             return options;
           },
       .up = [] {},
       .down = [this](const Error& why) { went_down.push_back(why.message); },
       .message = [this](const std::string& topic, const Bytes&) { heard.push_back(topic); },
       .changed = [] {}}};

  void start() {
    connection.start();
    broker.run();
    CHECK(connection.up());
  }
  void send(int items) {
    for (int i = 0; i < items; ++i) connection.send("t", wire::Echo{std::uint64_t(i), false, {}});
    connection.pump();
  }
  std::vector<std::size_t> sizes() const {
    std::vector<std::size_t> sizes;
    for (const auto& one : broker.seen()) {
      sizes.push_back(wire::decode_message(one.payload)->items.size());
    }
    return sizes;
  }
};

TEST(Connection, a_lone_item_goes_at_once) {
  start();
  send(1);
  broker.run();
  CHECK(sizes() == std::vector<std::size_t>{1});
}

TEST(Connection, a_busy_link_fills_its_messages) {
  start();
  for (int i = 0; i < 66; ++i) send(1);
  broker.run();
  connection.pump();
  broker.run();
  CHECK(sizes() == (std::vector<std::size_t>{1, 1, 64}));
}

TEST(Connection, many_topics_do_not_wait_for_each_other) {
  start();
  for (int i = 0; i < 20; ++i) {
    connection.send("device-" + std::to_string(i), wire::Echo{1, false, {}});
  }
  connection.pump();
  broker.run();
  CHECK_EQUAL(20, broker.seen().size());
}

TEST(Connection, no_topic_starves_another_when_the_window_is_small_and_all_have_more) {
  transport.limit_in_flight(3);
  start();
  std::map<std::string, int> topics;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 30; ++i) {
      connection.send("device-" + std::to_string(i), wire::Echo{1, false, {}});
    }
    connection.pump();
    broker.run();
  }
  for (const auto& one : broker.seen()) topics[one.topic] += 1;
  CHECK_EQUAL(30, topics.size());
}

TEST(Connection, stays_inside_what_the_broker_allows_and_loses_nothing) {
  transport.limit_in_flight(3);
  start();
  send(64 * 10);
  for (int i = 0; i < 20; ++i) {
    broker.run();
    connection.pump();
  }
  std::size_t items = 0;
  for (const std::size_t size : sizes()) items += size;
  CHECK_EQUAL(640, items);
}

TEST(Connection, forgets_what_waits_when_the_link_goes_and_numbers_each_session) {
  start();
  const std::uint64_t first = connection.session();
  connection.send("t", wire::Echo{});
  broker.cut("pump-7");
  CHECK_EQUAL(1, went_down.size());
  clock.advance(std::chrono::minutes(1));
  connection.on_timer();
  broker.run();
  CHECK(connection.up());
  CHECK_EQUAL(first + 1, connection.session());
  connection.pump();
  broker.run();
  CHECK(sizes().empty());
}

TEST(Connection, keeps_nothing_while_the_link_is_down) {
  CHECK_FALSE(connection.publish({.topic = "t"}).ok());
  send(1);
  start();
  connection.pump();
  broker.run();
  CHECK(sizes().empty());
}

TEST(Connection, an_attempt_that_is_not_answered_in_time_is_reported) {
  broker.freeze("pump-7");
  connection.start();
  broker.run();
  clock.advance(std::chrono::seconds(16));
  connection.on_timer();
  CHECK_EQUAL(1, went_down.size());
  STRCMP_EQUAL("the broker did not answer in time", went_down.front().c_str());
  STRCMP_EQUAL("the broker did not answer in time", connection.last_problem().c_str());
}

TEST(Connection, a_broker_that_falls_silent_is_noticed_without_any_report) {
  start();
  broker.freeze("pump-7");
  for (int i = 0; i < 130; ++i) {
    clock.advance(std::chrono::seconds(1));
    connection.on_timer();
    broker.run();
  }
  CHECK_EQUAL(1, went_down.size());
  STRCMP_EQUAL("the broker stopped answering", connection.last_problem().c_str());
}

TEST(Connection, an_idle_link_to_a_broker_that_answers_stays_up) {
  start();
  for (int i = 0; i < 3600; ++i) {
    clock.advance(std::chrono::seconds(1));
    connection.on_timer();
    broker.run();
  }
  CHECK(went_down.empty());
  CHECK(broker.probes() >= 55 && broker.probes() <= 65);
}

TEST(Connection, a_transport_that_lost_its_connection_in_silence_is_found_out_by_sending) {
  start();
  transport.vanish();
  send(1);
  CHECK(connection.next_timer() <= NodeTime(clock.boot_time()));
  connection.on_timer();
  CHECK_EQUAL(1, went_down.size());
  CHECK_FALSE(connection.up());
  clock.advance(std::chrono::seconds(1));
  connection.on_timer();
  broker.run();
  CHECK(connection.up());
}

TEST(Connection, a_transport_that_lost_its_connection_in_silence_is_found_out_by_asking) {
  start();
  transport.vanish();
  clock.advance(std::chrono::seconds(61));
  connection.on_timer();
  connection.on_timer();
  CHECK_EQUAL(1, went_down.size());
}

TEST(Connection, keeps_within_the_keep_alive_that_the_broker_set_itself) {
  mqtt::Granted granted;
  granted.keep_alive = std::chrono::seconds(4);
  transport.grant(granted);
  start();
  for (int i = 0; i < 60; ++i) {
    clock.advance(std::chrono::seconds(1));
    connection.on_timer();
    broker.run();
  }
  CHECK(broker.probes() >= 15);
}

TEST(Connection, another_that_took_its_name_is_left_alone_for_a_while) {
  start();
  broker.part("pump-7", 0x8E);
  CHECK(connection.next_timer() - NodeTime(clock.boot_time()) >= std::chrono::seconds(15));
}

TEST(Connection, sends_fewer_messages_at_once_after_the_broker_had_too_many) {
  start();
  for (int i = 0; i < 40; ++i) {
    CHECK(connection.publish({.topic = "t" + std::to_string(i)}).ok());
  }
  broker.part("pump-7", 0x93);
  clock.advance(std::chrono::seconds(1));
  connection.on_timer();
  broker.run();
  CHECK(connection.up());
  for (int i = 0; i < 40; ++i) connection.send("t" + std::to_string(i), wire::Echo{1, false, {}});
  connection.pump();
  CHECK_EQUAL(20, connection.link().in_flight());
}

TEST(Connection, packs_no_more_than_the_broker_carries_and_loses_nothing) {
  mqtt::Granted granted;
  granted.maximum_packet = 4'000;
  transport.grant(granted);
  start();
  for (int i = 0; i < 50; ++i) connection.send("t", wire::Echo{1, false, Bytes(1'000)});
  for (int i = 0; i < 50; ++i) {
    connection.pump();
    broker.run();
  }
  std::size_t items = 0;
  for (const std::size_t size : sizes()) items += size;
  CHECK_EQUAL(50, items);
  CHECK_EQUAL(4'000 - mqtt::kAroundPayload - 512, connection.largest_item());
}

TEST(Connection, a_result_that_no_message_carries_is_told_as_a_failure) {
  wire::ResultItem result;
  result.epoch = Epoch{3};
  result.value.bytes = Bytes(10'000);
  CHECK_FALSE(link::instead_of(result, 20'000).has_value());
  const auto failed = link::instead_of(result, 9'000);
  CHECK(failed.has_value());
  CHECK(failed->failure == FailureClass::error);
  CHECK(failed->epoch == Epoch{3});
  CHECK(failed->value.bytes.empty());
  STRCMP_CONTAINS("its result of 10000 bytes", failed->message.c_str());
  CHECK_FALSE(link::instead_of(wire::Echo{1, false, Bytes(10'000)}, 9'000).has_value());
}

TEST(Connection, a_prefix_is_before_every_topic_and_the_session_does_not_see_it) {
  prefix = "site/3";
  start();
  CHECK(connection.subscribe({"a/+", "b"}).ok());
  CHECK(connection.publish({.topic = "t"}).ok());
  FakeTransport other{broker};
  other.listen({.connected = [] {},
                .disconnected = [](const mqtt::Loss&) {},
                .message = [](const std::string&, const Bytes&) {},
                .published = [] {}});
  other.connect({.client_id = "other"});
  broker.run();
  CHECK(other.publish({.topic = "site/3/a/x"}).ok());
  CHECK(other.publish({.topic = "a/y"}).ok());
  broker.run();
  STRCMP_EQUAL("site/3/t", broker.seen().front().topic.c_str());
  CHECK(heard == std::vector<std::string>{"a/x"});
  broker.cut("pump-7");
  STRCMP_EQUAL("site/3/gone", broker.seen().back().topic.c_str());
}

// Drains a backlog: a turn every millisecond, and a broker that answers at once.
TEST(Connection, a_backlog_uses_the_granted_rate_and_live_items_do_not_wait_behind_it) {
  start();
  connection.set_rate(20'000);
  const auto drain = link::Urgency::backlog;
  for (int i = 0; i < 2000; ++i) connection.send("drain", wire::Echo{1, false, Bytes(300)}, drain);
  Duration longest{};
  std::size_t bytes = 0, seen = 0;
  std::optional<NodeTime> asked;
  for (int ms = 0; ms < 20'000; ++ms) {
    const NodeTime now(clock.boot_time());
    if (ms % 500 == 0) {
      connection.send("live", wire::Echo{2, false, {}});
      asked = now;
    }
    connection.pump();
    broker.run();
    for (; seen < broker.seen().size(); ++seen) {
      bytes += broker.seen()[seen].payload.size();
      if (broker.seen()[seen].topic == "live") longest = std::max(longest, now - *asked);
    }
    clock.advance(std::chrono::milliseconds(1));
  }
  CHECK(bytes >= 20 * 20'000 * 9 / 10);
  CHECK(bytes <= 20 * 20'000 + 10'000);
  // No longer than one message of the backlog takes.
  CHECK(longest <= std::chrono::milliseconds(150));
}

TEST(Connection, a_flood_of_live_items_leaves_turns_to_the_backlog) {
  start();
  connection.set_rate(100'000);
  for (int i = 0; i < 100; ++i) {
    connection.send("drain", wire::Echo{1, false, Bytes(300)}, link::Urgency::backlog);
  }
  std::size_t drained = 0, seen = 0;
  for (int ms = 0; ms < 30'000; ++ms) {
    connection.send("live", wire::Echo{2, false, Bytes(300)});
    connection.pump();
    broker.run();
    for (; seen < broker.seen().size(); ++seen) {
      if (broker.seen()[seen].topic != "drain") continue;
      drained += wire::decode_message(broker.seen()[seen].payload)->items.size();
    }
    clock.advance(std::chrono::milliseconds(1));
  }
  CHECK_EQUAL(100, drained);
}

TEST(Connection, says_when_the_rate_lets_it_go_on) {
  start();
  connection.set_rate(1'000);
  connection.send("t", wire::Echo{1, false, Bytes(900)});
  connection.pump();
  connection.send("t", wire::Echo{2, false, Bytes(900)});
  connection.pump();
  broker.run();
  CHECK_EQUAL(1, sizes().size());
  const NodeTime next = connection.next_timer();
  CHECK(next > NodeTime(clock.boot_time()) && next != kNever);
  clock.advance(next - NodeTime(clock.boot_time()));
  connection.pump();
  broker.run();
  CHECK_EQUAL(2, sizes().size());
}

TEST(Connection, a_lane_holds_so_many_bytes_and_refuses_what_is_beyond) {
  start();
  broker.freeze("pump-7");
  const wire::Echo large{1, false, Bytes(64 << 10)};
  std::size_t kept = 0;
  while (kept < 1000 && connection.send("t", large)) kept += 1;
  CHECK(kept < 1000);
  CHECK(connection.queued() > link::Connection::kLaneBytes - (128 << 10));
  CHECK(connection.queued() <= link::Connection::kLaneBytes);
  CHECK(connection.send("another", large));
  CHECK_FALSE(connection.quiet("t"));
  broker.heal("pump-7");
  while (!connection.quiet("t")) {
    connection.pump();
    broker.run();
  }
  CHECK(connection.send("t", large));
  std::size_t arrived = 0;
  for (const std::size_t size : sizes()) arrived += size;
  CHECK_EQUAL(kept + 1, arrived);
}

TEST(Connection, all_lanes_together_hold_so_many_bytes) {
  start();
  broker.freeze("pump-7");
  const wire::Echo large{1, false, Bytes(64 << 10)};
  for (int lane = 0; lane < 100; ++lane) {
    while (connection.send("device-" + std::to_string(lane), large)) {
    }
  }
  CHECK(connection.queued() <= link::Connection::kQueuedBytes);
  broker.cut("pump-7");
  CHECK_EQUAL(0, connection.queued());
}

TEST(Connection, tells_what_the_broker_granted_and_tries_once_in_its_life_whether_it_binds_names) {
  mqtt::Granted granted;
  granted.wildcards = false;
  transport.grant(granted);
  transport.bind(true);
  CHECK(connection.broker_terms().empty());
  start();
  const auto says = [&](const std::string& what) {
    const auto terms = connection.broker_terms();
    return std::any_of(terms.begin(), terms.end(),
                       [&](const BrokerTerm& term) { return term.what == what; });
  };
  CHECK(says("no wildcards"));
  CHECK(says("whether it binds names to clients is not known yet"));
  connection.try_binding("nobody");
  broker.run();
  CHECK(says("it refused to let this client speak for another"));
  broker.cut("pump-7");
  broker.run();
  CHECK(connection.broker_terms().empty());
  clock.advance(std::chrono::minutes(1));
  connection.on_timer();
  broker.run();
  CHECK(connection.up());
  connection.try_binding("nobody");
  LONGS_EQUAL(1, transport.trespassed().size());
  CHECK(says("it refused to let this client speak for another"));
}
