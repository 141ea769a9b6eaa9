#include "cloud/http/encoding.h"

#include "cloud/http/exchange.h"

// last
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cloud::http;

TEST_GROUP(Encoding){};

TEST(Encoding, base64url_comes_back_as_it_went) {
  Bytes bytes;
  for (int i = 0; i < 70; ++i) {
    auto back = from_base64url(base64url(bytes));
    CHECK(back == bytes);
    bytes.push_back(std::uint8_t(i * 37));
  }
  STRCMP_EQUAL("-_8", base64url(Bytes{0xfb, 0xff}).c_str());
}

TEST(Encoding, base64url_has_one_spelling_for_each_value) {
  for (std::string_view text : {"A", "-_9", "AA=", "A A", "a+b/", "AAAAA"}) {
    CHECK(!from_base64url(text));
  }
}

TEST(Encoding, percent_signs_are_decoded_or_refused) {
  STRCMP_EQUAL("a b/\xc3\xa9+", percent_decode("a%20b%2f%C3%A9+")->c_str());
  STRCMP_EQUAL("a b", percent_decode("a+b", true)->c_str());
  for (std::string_view text : {"%", "%4", "a%zz", "%4g"}) CHECK(!percent_decode(text));
}

TEST(Encoding, a_query_is_names_and_values) {
  auto read = parse_query("a=1&&b=x%26y&c&a=2");
  CHECK(read.ok());
  Parameters expected{{"a", "1"}, {"b", "x&y"}, {"c", ""}, {"a", "2"}};
  CHECK(*read == expected);
  CHECK(!parse_query("a=%f").ok());
  std::string many;
  for (int i = 0; i < 65; ++i) many += "a=1&";
  CHECK(!parse_query(many).ok());
}

TEST(Encoding, time_is_written_in_UTC_with_milliseconds) {
  using namespace std::chrono_literals;
  STRCMP_EQUAL("1970-01-01T00:00:00.000Z", rfc3339(0s).c_str());
  STRCMP_EQUAL("2024-02-29T12:34:56.789Z", rfc3339(1709210096s + 789999us).c_str());
  STRCMP_EQUAL("1969-12-31T23:59:59.999Z", rfc3339(-1ms).c_str());
}

TEST(Encoding, a_cookie_is_found_among_others) {
  Request request;
  request.headers = {{"cookie", "a=1; spillway_session=abc=; bspillway_session=no;c"}};
  CHECK(request.cookie("spillway_session") == "abc=");
  CHECK(request.cookie("a") == "1");
  CHECK(request.cookie("c").empty());
  CHECK(request.cookie("missing").empty());
}
