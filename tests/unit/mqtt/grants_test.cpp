#include "common/mqtt/grants.h"

#include <algorithm>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace std::chrono_literals;

namespace {

const mqtt::ConnectOptions kAsked{.client_id = "pump-7", .keep_alive = 20s, .session_expiry = 1h};

std::size_t hurting(const mqtt::Granted& granted) {
  const auto terms = mqtt::describe(granted, kAsked, 128);
  return static_cast<std::size_t>(std::count_if(
      terms.begin(), terms.end(), [](const auto& term) { return !term.hurts.empty(); }));
}
std::string said(const mqtt::Granted& granted) {
  std::string all;
  for (const auto& term : mqtt::describe(granted, kAsked, 128)) all += term.what + "; ";
  return all;
}

}  // namespace

TEST_GROUP(Grants){};

TEST(Grants, a_broker_that_grants_what_is_asked_hurts_nothing_and_is_described) {
  mqtt::Granted granted;
  granted.keep_alive = 20s;
  granted.maximum_packet = 266'240;
  granted.topic_aliases = 10;
  LONGS_EQUAL(0, hurting(granted));
  STRCMP_EQUAL(
      "keep alive 20 s; 65535 messages under way; packets of up to 266240 bytes; sessions kept for "
      "3600 s; quality of service 2; retained messages; wildcards; 10 topic aliases; ",
      said(granted).c_str());
}

TEST(Grants, each_thing_that_is_withheld_says_how_it_hurts) {
  const auto with = [](auto&& change) {
    mqtt::Granted granted;
    granted.keep_alive = 20s;
    change(granted);
    return hurting(granted);
  };
  LONGS_EQUAL(0, with([](mqtt::Granted&) {}));
  LONGS_EQUAL(1, with([](mqtt::Granted& g) { g.keep_alive = 5s; }));
  LONGS_EQUAL(1, with([](mqtt::Granted& g) { g.receive_maximum = 128; }));
  LONGS_EQUAL(0, with([](mqtt::Granted& g) { g.receive_maximum = 129; }));
  LONGS_EQUAL(1, with([](mqtt::Granted& g) { g.maximum_packet = 128 * 1024; }));
  LONGS_EQUAL(1, with([](mqtt::Granted& g) { g.session_expiry = 60s; }));
  LONGS_EQUAL(1, with([](mqtt::Granted& g) { g.maximum_qos = 0; }));
  LONGS_EQUAL(1, with([](mqtt::Granted& g) { g.retain = false; }));
  LONGS_EQUAL(1, with([](mqtt::Granted& g) { g.wildcards = false; }));
}

TEST(Grants, a_name_that_is_not_bound_hurts_and_one_that_nobody_tried_does_not) {
  CHECK(!mqtt::describe(mqtt::Binding::open).hurts.empty());
  CHECK(mqtt::describe(mqtt::Binding::held).hurts.empty());
  CHECK(mqtt::describe(mqtt::Binding::unknown).hurts.empty());
}
