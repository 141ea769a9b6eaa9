#include "tests/support/fake_broker.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

TEST_GROUP(FakeBroker) {
  FakeBroker broker;

  struct Peer {
    Peer(FakeBroker& broker, const char* id) : transport(broker) {
      options.client_id = id;
      transport.listen({.connected = [this] { log += "up;"; },
                        .disconnected = [this](const Error& error) { log += error.message + ";"; },
                        .message =
                            [this](const std::string& topic, const Bytes& payload) {
                              log += topic + "=" + std::string(as_text(payload)) + ";";
                            },
                        .published = [this] { ++published; }});
    }
    Status say(const char* topic, const char* text, bool retained = false) {
      return transport.publish({.topic = topic, .payload = to_bytes(text), .retained = retained});
    }
    FakeTransport transport;
    mqtt::ConnectOptions options;
    std::string log;
    int published = 0;
  };
  Peer a{broker, "a"};
  Peer b{broker, "b"};

  void join() {
    a.transport.connect(a.options);
    b.options.will = mqtt::Will{"b/state", to_bytes("gone")};
    b.transport.connect(b.options);
    broker.run();
    CHECK(a.transport.subscribe({"+/state", "a/#"}).ok());
    broker.run();
    a.log.clear();
    b.log.clear();
  }
};

TEST(FakeBroker, delivers_in_order_and_acknowledges) {
  join();
  CHECK(b.say("a/x", "1").ok());
  CHECK(b.say("a/y/z", "2").ok());
  CHECK(b.say("c/y", "3").ok());
  STRCMP_EQUAL("", a.log.c_str());
  broker.run();
  STRCMP_EQUAL("a/x=1;a/y/z=2;", a.log.c_str());
  LONGS_EQUAL(3, b.published);
}

TEST(FakeBroker, filters_cover_what_the_standard_says) {
  CHECK(covers("#", "a/b"));
  CHECK(covers("a/#", "a"));
  CHECK(covers("a/#", "a/b/c"));
  CHECK(covers("+/b", "a/b"));
  CHECK_FALSE(covers("+", "a/b"));
  CHECK_FALSE(covers("a/b", "a"));
  CHECK_FALSE(covers("a/+", "a/b/c"));
}

TEST(FakeBroker, a_cut_sends_the_will_and_loses_what_was_on_its_way) {
  join();
  CHECK(b.say("a/x", "lost").ok());
  broker.cut("b");
  broker.run();
  STRCMP_EQUAL("b/state=gone;", a.log.c_str());
  STRCMP_EQUAL("cut;", b.log.c_str());
  LONGS_EQUAL(0, b.published);
  CHECK_FALSE(b.say("a/x", "late").ok());
}

TEST(FakeBroker, a_graceful_end_sends_what_was_published_and_no_will) {
  join();
  CHECK(b.say("a/x", "bye").ok());
  b.transport.disconnect();
  broker.run();
  STRCMP_EQUAL("a/x=bye;", a.log.c_str());
  STRCMP_EQUAL("", b.log.c_str());
}

TEST(FakeBroker, a_frozen_client_hears_later_what_it_missed) {
  join();
  broker.freeze("a");
  CHECK(b.say("a/x", "1").ok());
  broker.run();
  STRCMP_EQUAL("", a.log.c_str());
  broker.heal("a");
  broker.run();
  STRCMP_EQUAL("a/x=1;", a.log.c_str());
}

TEST(FakeBroker, delivers_twice_on_request) {
  join();
  broker.duplicate_every(2);
  for (const char* text : {"1", "2", "3", "4"}) CHECK(b.say("a/x", text).ok());
  broker.run();
  LONGS_EQUAL(6 * 6, a.log.size());
}

TEST(FakeBroker, retained_messages_wait_for_subscribers_until_a_crash) {
  join();
  CHECK(b.say("b/state", "here", true).ok());
  broker.run();
  a.transport.connect(a.options);
  broker.run();
  a.log.clear();
  CHECK(a.transport.subscribe({"b/state"}).ok());
  broker.run();
  STRCMP_EQUAL("b/state=here;", a.log.c_str());
  broker.crash();
  STRCMP_EQUAL("b/state=here;broker gone;", a.log.c_str());
  CHECK(broker.retained().empty());
}

TEST(FakeBroker, refuses_and_takes_over) {
  broker.refuse("a");
  a.transport.connect(a.options);
  broker.run();
  STRCMP_EQUAL("refused;", a.log.c_str());
  broker.allow("a");
  a.transport.connect(a.options);
  Peer twin(broker, "a");
  twin.transport.connect(twin.options);
  broker.run();
  STRCMP_EQUAL("refused;up;session taken over;", a.log.c_str());
  STRCMP_EQUAL("up;", twin.log.c_str());
}

TEST(FakeBroker, the_window_of_a_transport_is_its_own_limit) {
  join();
  b.transport.limit_in_flight(2);
  CHECK(b.say("a/x", "1").ok());
  CHECK(b.say("a/x", "2").ok());
  CHECK(b.say("a/x", "3").error().code == Code::busy);
  broker.run();
  CHECK(b.say("a/x", "3").ok());
}
