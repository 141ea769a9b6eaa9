#include "cloud/api/cursor.h"
#include "cloud/api/repeats.h"
#include "cloud/api/routes.h"

// last
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cloud::api;
using namespace std::chrono_literals;

TEST_GROUP(Cursor) { Bytes key = Bytes(32, 7); };

TEST(Cursor, opens_only_for_the_query_it_was_signed_for) {
  std::string cursor = sign_cursor(key, "/devices\nq=a", "42 pump-1");
  STRCMP_EQUAL("42 pump-1", open_cursor(key, "/devices\nq=a", cursor)->c_str());
  CHECK(!open_cursor(key, "/devices\nq=b", cursor).ok());
  CHECK(!open_cursor(Bytes(32, 8), "/devices\nq=a", cursor).ok());
}

TEST(Cursor, cannot_be_made_up_or_changed) {
  std::string cursor = sign_cursor(key, "q", "42");
  for (std::size_t i = 0; i < cursor.size(); ++i) {
    std::string other = cursor;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    CHECK(!open_cursor(key, "q", other).ok());
  }
  for (std::string_view text : {"", "AAAA", "42", "!!!"}) CHECK(!open_cursor(key, "q", text).ok());
}

TEST(Cursor, query_and_position_cannot_trade_places) {
  std::string cursor = sign_cursor(key, "ab", "c");
  CHECK(!open_cursor(key, "a", cursor).ok());
}

TEST_GROUP(Repeats) {
  Repeats repeats;
  static Response made(unsigned status) {
    Response response;
    response.status = status;
    return response;
  }
};

TEST(Repeats, the_second_gets_the_answer_of_the_first) {
  CHECK(repeats.begin("k", "body", 0s).state == Repeats::State::fresh);
  CHECK(repeats.begin("k", "body", 0s).state == Repeats::State::under_way);
  repeats.end("k", made(201));
  auto found = repeats.begin("k", "body", 1h);
  CHECK(found.state == Repeats::State::answered);
  CHECK_EQUAL(201u, found.answer->status);
  CHECK(repeats.begin("k", "other", 1h).state == Repeats::State::other_body);
}

TEST(Repeats, a_failure_of_ours_may_be_tried_again) {
  (void)repeats.begin("k", "body", 0s);
  repeats.end("k", made(503));
  CHECK(repeats.begin("k", "body", 0s).state == Repeats::State::fresh);
}

TEST(Repeats, are_forgotten_after_a_day_and_beyond_their_number) {
  (void)repeats.begin("old", "body", 0s);
  repeats.end("old", made(200));
  CHECK(repeats.begin("old", "body", 25h).state == Repeats::State::fresh);
  for (std::size_t i = 0; i < Repeats::kMax; ++i) {
    (void)repeats.begin(std::to_string(i), "", 25h);
  }
  CHECK(repeats.begin("old", "other", 25h).state == Repeats::State::fresh);
}

TEST_GROUP(Routes){};

TEST(Routes, a_name_of_ours_is_not_taken_for_a_device) {
  auto operation = [](Method method, std::string_view path) {
    Match match = find_route(method, path);
    return match.route ? std::string(match.route->operation) : "none, allowed " + match.allowed;
  };
  STRCMP_EQUAL("getDeviceFacets", operation(Method::get, "/devices/facets").c_str());
  STRCMP_EQUAL("getDevice", operation(Method::get, "/devices/pump-1").c_str());
  STRCMP_EQUAL("getDevice", operation(Method::head, "/devices/pump-1").c_str());
  STRCMP_EQUAL("none, allowed ", operation(Method::get, "/devices/").c_str());
  STRCMP_EQUAL("none, allowed ", operation(Method::get, "/devices/a/b").c_str());
  STRCMP_EQUAL("none, allowed GET", operation(Method::post, "/fleet/summary").c_str());
  STRCMP_EQUAL("a b/c", find_route(Method::get, "/devices/a%20b%2fc").parameters["device"].c_str());
}
