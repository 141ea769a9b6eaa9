#include <algorithm>

#include "tests/integration/http/service_rig.h"

// last
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cloud::access;
using namespace spillway::cloud::http;
using spillway::test::ServiceRig;

namespace {

const std::string kToken = R"({"name":"x","scope":"read"})";

std::string text(const boost::json::value& value) { return std::string(value.as_string()); }

std::string id_in(const std::string& token) { return token.substr(4, token.find('.') - 4); }

}  // namespace

// Who may do what, how it is refused, and what is left of it.
TEST_GROUP(HttpAccess) {
  std::unique_ptr<ServiceRig> rig = std::make_unique<ServiceRig>();
  std::string admin = rig->token("admin");

  boost::json::array items(const std::string& path) {
    return rig->get("/api/v1" + path, admin).body.at("items").as_array();
  }
  ServiceRig::Reply login(const std::string& token) {
    return rig->call(Method::post, "/api/v1/session", "", R"({"token":")" + token + "\"}");
  }
  static ServiceRig::Headers cookie_of(const ServiceRig::Reply& opened) {
    std::string_view line = opened.header("set-cookie");
    return {{"cookie", std::string(line.substr(0, line.find(';')))}};
  }
  unsigned create(ServiceRig::Headers headers) {
    return rig->call(Method::post, "/api/v1/tokens", admin, kToken, std::move(headers)).status;
  }
};

TEST(HttpAccess, strangers_leave_no_lines_in_the_audit_and_are_counted) {
  std::size_t before = items("/audit").size();
  for (int i = 0; i < 15; ++i) CHECK(login("spw_guess.guess").status >= 400);
  CHECK_EQUAL(401u, rig->call(Method::post, "/api/v1/tokens", "", kToken).status);
  CHECK_EQUAL(429u, rig->call(Method::post, "/api/v1/tokens", "spw_a.b", kToken).status);
  CHECK_EQUAL(before, items("/audit").size());
  auto failed = items("/failed-logins");
  CHECK_EQUAL(1u, failed.size());
  CHECK(failed[0].at("count") == 16);
  STRCMP_EQUAL("127.0.0.1", text(failed[0].at("from")).c_str());
}

TEST(HttpAccess, whoever_has_a_token_is_not_delayed_by_those_who_guess) {
  for (int i = 0; i < 15; ++i) login("spw_guess.guess");
  CHECK_EQUAL(429u, login("spw_guess.guess").status);
  CHECK_EQUAL(200u, rig->get("/api/v1/session", admin).status);
  auto opened = login(admin);
  CHECK_EQUAL(200u, opened.status);
  CHECK_EQUAL(200u, rig->call(Method::get, "/api/v1/session", "", "", cookie_of(opened)).status);
}

TEST(HttpAccess, the_audit_tells_the_token_and_what_was_refused_to_it) {
  std::string reader = rig->token("read");
  CHECK_EQUAL(403u, rig->call(Method::post, "/api/v1/tokens", reader, kToken).status);
  auto line = items("/audit").at(0);
  STRCMP_EQUAL("createToken", text(line.at("operation")).c_str());
  STRCMP_EQUAL("read", text(line.at("who")).c_str());
  STRCMP_EQUAL(id_in(reader).c_str(), text(line.at("token")).c_str());
  CHECK(line.at("status") == 403);
  auto opened = login(reader);
  line = items("/audit").at(0);
  STRCMP_EQUAL("login", text(line.at("operation")).c_str());
  STRCMP_EQUAL(id_in(reader).c_str(), text(line.at("token")).c_str());
  std::string session = text(line.at("session"));
  // Without its X-CSRF-Token a session may not write.
  CHECK_EQUAL(401u, rig->call(Method::del, "/api/v1/session", "", "", cookie_of(opened)).status);
  line = items("/audit").at(0);
  CHECK(line.at("status") == 401);
  STRCMP_EQUAL(session.c_str(), text(line.at("session")).c_str());
}

TEST(HttpAccess, refusals_of_one_caller_do_not_push_out_what_others_did) {
  std::string reader = rig->token("read");
  std::size_t before = items("/audit").size();
  for (int i = 0; i < 30; ++i) rig->call(Method::post, "/api/v1/tokens", reader, kToken);
  CHECK_EQUAL(before + 10, items("/audit").size());
}

TEST(HttpAccess, a_write_needs_JSON_by_its_name_also_without_a_body) {
  for (const char* type :
       {"text/plain", "application/jsonp", "application/x-www-form-urlencoded"}) {
    CHECK_EQUAL_TEXT(415u, create({{"content-type", type}}), type);
  }
  CHECK_EQUAL(201u, create({{"content-type", "Application/JSON; charset=utf-8"}}));
  CHECK_EQUAL(415u, rig->call(Method::post, "/api/v1/tasks/" + rig->dispatched_task() + "/cancel",
                              admin, "", {{"content-type", "text/plain"}})
                        .status);
  CHECK_EQUAL(415u, rig->call(Method::post, "/api/v1/session", "", R"({"token":"x"})",
                              {{"content-type", "text/plain"}})
                        .status);
}

TEST(HttpAccess, a_browser_writes_only_from_a_page_of_this_server) {
  std::string own = rig->service().url();
  CHECK_EQUAL(201u, create({{"origin", own}}));
  CHECK_EQUAL(201u, create({{"origin", own}, {"sec-fetch-site", "same-origin"}}));
  CHECK_EQUAL(403u, create({{"origin", "http://evil.example"}}));
  CHECK_EQUAL(403u, create({{"origin", "null"}}));
  CHECK_EQUAL(403u, create({{"origin", own + "0"}}));
  CHECK_EQUAL(403u, create({{"origin", own}, {"sec-fetch-site", "same-site"}}));
  CHECK_EQUAL(403u, create({{"sec-fetch-site", "cross-site"}}));
  CHECK_EQUAL(403u, rig->call(Method::post, "/api/v1/session", "", R"({"token":"x"})",
                              {{"origin", "http://evil.example"}})
                        .status);
}

TEST(HttpAccess, a_name_that_others_made_point_here_is_not_served) {
  auto by = [&](const std::string& host, const char* path = "/api/v1/session") {
    return rig->call(Method::get, path, admin, "", {{"host", host}}).status;
  };
  for (const char* own : {"127.0.0.1", "localhost:8480", "[::1]:8480", "LOCALHOST"}) {
    CHECK_EQUAL_TEXT(200u, by(own), own);
  }
  for (const char* other :
       {"evil.example", "localhost.evil.example:8480", "127.0.0.1.evil.example"}) {
    CHECK_EQUAL_TEXT(421u, by(other), other);
    CHECK_EQUAL_TEXT(421u, by(other, "/metrics"), other);
    CHECK_EQUAL_TEXT(421u, by(other, "/"), other);
  }
  CHECK_EQUAL(200u, by("any.example", "/healthz"));
}

// nginx sends its own upstream's address as Host and nothing else, unless it is told to.
TEST(HttpAccess, measurements_need_a_token_also_from_this_machine) {
  for (const char* host : {"127.0.0.1:8480", "localhost"}) {
    CHECK_EQUAL_TEXT(401u, rig->call(Method::get, "/metrics", "", "", {{"host", host}}).status,
                     host);
  }
  CHECK_EQUAL(200u, rig->get("/metrics", rig->token("read")).status);
}

TEST(HttpAccess, where_measurements_are_open_they_are_so_to_this_machine_and_not_to_a_proxy_on_it) {
  rig->open_metrics();
  auto by = [&](ServiceRig::Headers headers, const std::string& token = "") {
    return rig->call(Method::get, "/metrics", token, "", std::move(headers)).status;
  };
  CHECK_EQUAL(200u, by({}));
  for (const char* host : {"127.0.0.1:8480", "[::1]:8480", "LOCALHOST:1", "127.8.9.1"}) {
    CHECK_EQUAL_TEXT(200u, by({{"host", host}}), host);
  }
  CHECK_EQUAL(401u, by({{"host", "192.0.2.1:8480"}}));
  for (const char* carried : {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host",
                              "x-real-ip", "forwarded", "via"}) {
    CHECK_EQUAL_TEXT(401u, by({{carried, ""}}), carried);
    CHECK_EQUAL_TEXT(401u, by({{carried, "192.0.2.1"}}), carried);
    CHECK_EQUAL_TEXT(200u, by({{carried, "192.0.2.1"}}, admin), carried);
  }
}

TEST(HttpAccess, a_stranger_is_refused_before_the_body_is_sent) {
  auto big = rig->call(Method::post, "/api/v1/devices/actions", "", std::string(900'000, ' '));
  CHECK_EQUAL(401u, big.status);
  CHECK_EQUAL(413u, rig->call(Method::post, "/api/v1/session", "", std::string(5000, ' ')).status);
}

TEST(HttpAccess, a_session_ends_with_its_token) {
  auto made = rig->call(Method::post, "/api/v1/tokens", admin,
                        R"({"name":"brief","scope":"read","expires_in_s":60})");
  auto opened = login(text(made.body.at("secret")));
  STRCMP_EQUAL(text(made.body.at("expires")).c_str(), text(opened.body.at("expires")).c_str());
  auto listed = items("/sessions");
  CHECK(listed.back().at("token") == made.body.at("id"));
  CHECK(listed.back().at("expires") == made.body.at("expires"));
}

TEST(HttpAccess, a_session_can_be_ended_by_its_id_with_its_stream) {
  auto opened = login(rig->token("read"));
  ServiceRig::Headers cookie = cookie_of(opened);
  auto listed = items("/sessions");
  std::string id = text(listed.back().at("id"));
  STRCMP_EQUAL("read", text(listed.back().at("name")).c_str());
  STRCMP_EQUAL("127.0.0.1", text(listed.back().at("from")).c_str());
  CHECK(listed.back().at("own") == false);
  unsigned status = 0;
  auto streamed = rig->client().stream("/api/v1/stream", cookie, [&](const ServerEvent&) {
    if (status == 0) status = rig->call(Method::del, "/api/v1/sessions/" + id, admin).status;
    return true;
  });
  CHECK_EQUAL(204u, status);
  CHECK(!streamed.ok());  // it ended, and nobody here ended it
  CHECK_EQUAL(401u, rig->call(Method::get, "/api/v1/session", "", "", cookie).status);
  CHECK_EQUAL(404u, rig->call(Method::del, "/api/v1/sessions/" + id, admin).status);
  rig->restart();
  CHECK_EQUAL(401u, rig->call(Method::get, "/api/v1/session", "", "", cookie).status);
}

TEST(HttpAccess, one_token_cannot_take_the_sessions_of_all) {
  std::string reader = rig->token("read");
  auto first = login(reader);
  for (std::size_t i = 0; i < Access::kMaxSessionsOfToken; ++i)
    CHECK_EQUAL(200u, login(reader).status);
  auto listed = items("/sessions");
  auto own = std::count_if(listed.begin(), listed.end(), [](const boost::json::value& each) {
    return each.at("name") == "read";
  });
  LONGS_EQUAL(Access::kMaxSessionsOfToken, own);
  CHECK_EQUAL(401u, rig->call(Method::get, "/api/v1/session", "", "", cookie_of(first)).status);
}

TEST(HttpAccess, HEAD_asks_what_a_stream_is_and_opens_none) {
  for (int i = 0; i < 3; ++i) {
    auto head = rig->call(Method::head, "/api/v1/stream", admin);
    CHECK_EQUAL(200u, head.status);
    STRCMP_EQUAL("text/event-stream", head.response.content_type.c_str());
  }
  CHECK_EQUAL(0u, rig->service().counts().streams.load());
}
