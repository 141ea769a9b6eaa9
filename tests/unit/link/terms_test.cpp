#include "common/link/terms.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::link;
using namespace std::chrono_literals;

TEST_GROUP(Terms) {
  Terms terms;
  mqtt::ConnectOptions configured{.uri = "mqtts://broker.example:8883",
                                  .tls = mqtt::Tls{"ca.pem", "d.pem", "d.key"},
                                  .keep_alive = 20s};

  Pace lost(int reason, const std::string& server = {}, Terms::UnderWay under_way = {}) {
    terms.apply(configured);
    return terms.on_lost({fail(Code::unavailable, "x"), reason, server, true}, under_way);
  }
  bool slow(int reason) { return lost(reason) == Pace::slow; }
  std::string uri() { return terms.apply(configured).uri; }
};

TEST(Terms, a_broker_that_shuts_down_or_is_cut_off_is_tried_as_ever) {
  CHECK_FALSE(slow(0));
  CHECK_FALSE(slow(0x8B));
  CHECK(uri() == configured.uri);
  CHECK(terms.apply(configured).keep_alive == 20s);
}

TEST(Terms, who_was_thrown_out_comes_back_slowly) {
  CHECK(slow(0x8A));
  CHECK(slow(0x8E));
  CHECK(slow(0x97));
  CHECK(slow(0x98));
  CHECK(slow(0x9F));
}

TEST(Terms, a_broker_that_heard_too_little_hears_twice_as_often) {
  lost(0x8D);
  CHECK(terms.apply(configured).keep_alive == 10s);
  for (int i = 0; i < 10; ++i) lost(0x8D);
  CHECK(terms.apply(configured).keep_alive == 1s);
}

TEST(Terms, fewer_messages_are_under_way_to_a_broker_that_had_too_many) {
  CHECK(terms.window() == SIZE_MAX);
  lost(0x93, {}, {.messages = 40, .largest = 0});
  LONGS_EQUAL(20, terms.window());
  for (int i = 0; i < 10; ++i) lost(0x93, {}, {.messages = terms.window(), .largest = 0});
  LONGS_EQUAL(1, terms.window());
}

TEST(Terms, messages_stay_below_the_one_that_was_too_large) {
  LONGS_EQUAL(mqtt::kMaxPayload, terms.largest_payload());
  lost(0x95, {}, {.messages = 3, .largest = 70'000});
  LONGS_EQUAL(69'999, terms.largest_payload());
  lost(0x95);  // nothing was under way: nothing to learn
  LONGS_EQUAL(69'999, terms.largest_payload());
}

TEST(Terms, goes_where_the_broker_says_with_the_scheme_that_is_configured) {
  CHECK(lost(0x9C, "other.example:9000 third.example") == Pace::usual);
  STRCMP_EQUAL("mqtts://other.example:9000", uri().c_str());
  // Moved on from there.
  CHECK(lost(0x9D, "[fd00::1]") == Pace::usual);
  STRCMP_EQUAL("mqtts://[fd00::1]", uri().c_str());
}

TEST(Terms, goes_back_when_nobody_is_where_the_broker_said) {
  lost(0x9C, "other.example");
  terms.apply(configured);
  terms.on_lost({fail(Code::unavailable, "refused"), 0, {}, false}, {});
  CHECK(uri() == configured.uri);
}

TEST(Terms, a_place_that_is_missing_or_none_is_not_gone_to) {
  for (const char* server : {"", "mqtt://evil", "a b", " ", "host:99999", "/etc/passwd"}) {
    const bool first_is_fine = std::string(server) == "a b";
    CHECK((lost(0x9C, server) == Pace::usual) == first_is_fine);
    if (!first_is_fine) CHECK(uri() == configured.uri);
    terms = {};
  }
}

TEST(Terms, a_password_follows_no_reference_that_no_certificate_vouches_for) {
  configured = {.uri = "mqtt://127.0.0.1:1883", .password_file = "/etc/secret"};
  CHECK(lost(0x9D, "evil.example") == Pace::slow);
  CHECK(uri() == configured.uri);
  configured.password_file.clear();
  CHECK(lost(0x9D, "127.0.0.2") == Pace::usual);
  STRCMP_EQUAL("mqtt://127.0.0.2", uri().c_str());
}
