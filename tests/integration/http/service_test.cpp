#include "cloud/api/service.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <map>
#include <set>
#include <thread>
#include <vector>

#include "common/base/trace_context.h"
#include "common/sqlite/database.h"
#include "tests/integration/http/schema.h"
#include "tests/integration/http/service_rig.h"
#include "tests/integration/http/spans.h"
#include "tests/support/eventually.h"

// last
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cloud::api;
using namespace spillway::cloud::http;
using spillway::test::OpenApi;
using spillway::test::ServiceRig;

namespace {

std::string cookie_of(const ServiceRig::Reply& login) {
  std::string_view line = login.header("set-cookie");
  return std::string(line.substr(0, line.find(';')));
}

std::string text(const boost::json::value& value) { return std::string(value.as_string()); }

}  // namespace

TEST_GROUP(HttpService) {
  std::unique_ptr<ServiceRig> rig = std::make_unique<ServiceRig>();

  ServiceRig::Reply login(const std::string& code) {
    return rig->call(Method::post, "/api/v1/session", "", R"({"code":")" + code + "\"}");
  }
  std::string file(const std::string& name) const { return rig->directory() + "/" + name; }
};

TEST(HttpService, the_first_start_makes_a_link_that_works_once) {
  struct stat info {};
  CHECK_EQUAL(0, ::stat(file("link.txt").c_str(), &info));
  CHECK_EQUAL(0600u, info.st_mode & 0777u);
  auto first = login(rig->link_code());
  CHECK_EQUAL(200u, first.status);
  STRCMP_EQUAL("admin", text(first.body.at("scope")).c_str());
  CHECK(::stat(file("link.txt").c_str(), &info) != 0);
  CHECK_EQUAL(401u, login(rig->link_code()).status);
}

TEST(HttpService, a_session_needs_its_cookie_and_to_write_its_csrf_token) {
  auto opened = login(rig->link_code());
  std::string_view line = opened.header("set-cookie");
  CHECK(line.find("HttpOnly") != std::string_view::npos);
  CHECK(line.find("SameSite=Strict") != std::string_view::npos);
  ServiceRig::Headers cookie = {{"cookie", cookie_of(opened)}};
  auto me = rig->call(Method::get, "/api/v1/session", "", "", cookie);
  CHECK_EQUAL(200u, me.status);
  std::string csrf = text(me.body.at("csrf"));
  const std::string body = R"({"name":"x","scope":"read"})";
  CHECK_EQUAL(401u, rig->call(Method::post, "/api/v1/tokens", "", body, cookie).status);
  ServiceRig::Headers wrong = {{"cookie", cookie_of(opened)}, {"x-csrf-token", "guess"}};
  CHECK_EQUAL(401u, rig->call(Method::post, "/api/v1/tokens", "", body, wrong).status);
  ServiceRig::Headers both = {{"cookie", cookie_of(opened)}, {"x-csrf-token", csrf}};
  CHECK_EQUAL(201u, rig->call(Method::post, "/api/v1/tokens", "", body, both).status);
  CHECK_EQUAL(204u, rig->call(Method::del, "/api/v1/session", "", "", both).status);
  CHECK_EQUAL(401u, rig->call(Method::get, "/api/v1/session", "", "", cookie).status);
}

TEST(HttpService, tokens_and_sessions_outlive_a_restart_and_end_when_revoked) {
  std::string admin = rig->token("admin"), reader = rig->token("read");
  auto opened = rig->call(Method::post, "/api/v1/session", "", R"({"token":")" + reader + "\"}");
  ServiceRig::Headers cookie = {{"cookie", cookie_of(opened)}};
  rig->restart();
  CHECK(rig->service().link().empty());
  CHECK_EQUAL(200u, rig->get("/api/v1/session", reader).status);
  CHECK_EQUAL(200u, rig->call(Method::get, "/api/v1/session", "", "", cookie).status);
  std::string id = reader.substr(4, reader.find('.') - 4);
  CHECK_EQUAL(204u, rig->call(Method::del, "/api/v1/tokens/" + id, admin).status);
  CHECK_EQUAL(401u, rig->get("/api/v1/session", reader).status);
  CHECK_EQUAL(401u, rig->call(Method::get, "/api/v1/session", "", "", cookie).status);
  rig->restart();
  CHECK_EQUAL(401u, rig->get("/api/v1/session", reader).status);
  CHECK_EQUAL(200u, rig->get("/api/v1/session", admin).status);
}

TEST(HttpService, secrets_are_not_on_the_disk) {
  std::string admin = rig->token("admin");
  std::string secret = admin.substr(admin.find('.') + 1);
  rig->restart();
  for (const auto& entry : std::filesystem::directory_iterator(rig->directory())) {
    CHECK(test::read_text(entry.path().string()).find(secret) == std::string::npos);
  }
}

TEST(HttpService, guessing_is_slowed_down) {
  unsigned limited = 0;
  ServiceRig::Reply last;
  for (int i = 0; i < 15; ++i) {
    last = login("guess-" + std::to_string(i));
    limited += last.status == 429 ? 1 : 0;
  }
  CHECK(limited >= 4);
  CHECK(!last.header("retry-after").empty());
  CHECK_EQUAL(429u, rig->get("/api/v1/session", "spw_x.y").status);
}

TEST(HttpService, every_write_is_in_the_audit_also_when_it_was_refused) {
  std::string admin = rig->token("admin");
  rig->call(Method::post, "/api/v1/devices", admin, R"({"id":"new-1"})");
  rig->call(Method::post, "/api/v1/devices", admin, R"({"id":"NOT OK"})");
  auto lines = rig->get("/api/v1/audit", admin).body.at("items").as_array();
  CHECK(lines.size() >= 4);
  STRCMP_EQUAL("expectDevice", text(lines[0].at("operation")).c_str());
  CHECK(lines[0].at("status") == 400);
  CHECK(lines[1].at("status") == 201);
  STRCMP_EQUAL("admin", text(lines[1].at("who")).c_str());
  CHECK(boost::json::serialize(lines).find("spw_") == std::string::npos);
}

TEST(HttpService, what_the_audit_could_not_write_is_in_it_once_the_disk_takes_more) {
  const std::string token = rig->token("operate");
  const auto expect = [&](const std::string& name) {
    return rig->call(Method::post, "/api/v1/devices", token, R"({"id":")" + name + "\"}").status;
  };
  rlimit was{};
  ::getrlimit(RLIMIT_FSIZE, &was);
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit none{0, was.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &none);
  CHECK_EQUAL(201u, expect("late-1"));
  CHECK_EQUAL(201u, expect("late-2"));
  ::setrlimit(RLIMIT_FSIZE, &was);
  const auto written = [&] {
    const auto audit = rig->get("/api/v1/audit", rig->token("admin"));
    return std::ranges::count_if(audit.body.at("items").as_array(), [](const auto& line) {
      return text(line.at("operation")) == "expectDevice";
    });
  };
  CHECK_EQUAL(0, written());
  CHECK_EQUAL(201u, expect("late-3"));
  CHECK(test::eventually(std::chrono::seconds(20), [&] { return written() == 3; }));
}

TEST(HttpService, pages_follow_each_other_and_cursors_cannot_be_made_up) {
  std::string token = rig->token("read");
  std::vector<std::string> seen;
  std::string target = "/api/v1/devices?limit=1&sort=-name", cursor;
  do {
    auto page = rig->get(target + (cursor.empty() ? "" : "&cursor=" + cursor), token);
    CHECK_EQUAL(200u, page.status);
    CHECK(page.body.at("matching") == 3);
    for (const auto& row : page.body.at("items").as_array()) seen.push_back(text(row.at("id")));
    const auto& next = page.body.at("next");
    cursor = next.is_string() ? text(next) : "";
  } while (!cursor.empty() && seen.size() < 10);
  CHECK(seen == std::vector<std::string>({"valve-1", "pump-2", "pump-1"}));
  auto page = rig->get(target, token);
  std::string good = text(page.body.at("next"));
  CHECK_EQUAL(400u, rig->get("/api/v1/devices?limit=1&cursor=" + good, token).status);
  std::string forged = good;
  forged[forged.size() / 2] = forged[forged.size() / 2] == 'A' ? 'B' : 'A';
  CHECK_EQUAL(400u, rig->get(target + "&cursor=" + forged, token).status);
}

TEST(HttpService, a_change_needs_the_newest_ETag) {
  std::string token = rig->token("operate");
  const std::string path = "/api/v1/devices/pump-1", body = R"({"group":"lab"})";
  CHECK_EQUAL(428u, rig->call(Method::patch, path, token, body).status);
  std::string etag(rig->get(path, token).header("etag"));
  auto changed = rig->call(Method::patch, path, token, body, {{"if-match", etag}});
  CHECK_EQUAL(200u, changed.status);
  STRCMP_EQUAL("lab", text(changed.body.at("group")).c_str());
  CHECK(changed.header("etag") != etag);
  CHECK_EQUAL(412u, rig->call(Method::patch, path, token, body, {{"if-match", etag}}).status);
  CHECK_EQUAL(412u, rig->call(Method::patch, path, token, body, {{"if-match", "\""}}).status);
  CHECK_EQUAL(404u,
              rig->call(Method::patch, "/api/v1/devices/no-such", token, body, {{"if-match", etag}})
                  .status);
}

TEST(HttpService, a_repeated_POST_with_its_key_gets_the_first_answer) {
  std::string token = rig->token("admin");
  const std::string body = R"({"name":"once","scope":"read"})";
  ServiceRig::Headers key = {{"idempotency-key", "k1"}};
  auto first = rig->call(Method::post, "/api/v1/tokens", token, body, key);
  auto again = rig->call(Method::post, "/api/v1/tokens", token, body, key);
  CHECK_EQUAL(201u, again.status);
  STRCMP_EQUAL(first.response.body.c_str(), again.response.body.c_str());
  auto other =
      rig->call(Method::post, "/api/v1/tokens", token, R"({"name":"twice","scope":"read"})", key);
  CHECK_EQUAL(422u, other.status);
  LONGS_EQUAL(2, rig->get("/api/v1/tokens", token).body.at("items").as_array().size());
}

TEST(HttpService, submissions_with_one_key_at_once_are_answered_with_one_group) {
  const std::string token = rig->token("operate");
  std::vector<ServiceRig::Reply> replies(6);
  std::vector<std::thread> callers;
  callers.reserve(replies.size());
  for (ServiceRig::Reply& reply : replies) {
    callers.emplace_back([&] {
      reply =
          rig->call(Method::post, "/api/v1/tasks/dispatched", token,
                    R"({"kind":"echo","select":{"q":"pump"}})", {{"idempotency-key", "nightly"}});
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const ServiceRig::Reply& reply : replies) {
    CHECK_EQUAL_TEXT(201U, reply.status, reply.response.body.c_str());
    STRCMP_EQUAL(text(replies[0].body.at("group")).c_str(), text(reply.body.at("group")).c_str());
  }
}

TEST(HttpService, a_bulk_action_counts_first_and_then_does_it) {
  std::string token = rig->token("operate");
  auto act = [&](const std::string& more) {
    return rig->call(Method::post, "/api/v1/devices/actions", token,
                     R"({"action":"quarantine","note":"leak","select":{"q":"pump"})" + more + "}");
  };
  auto dry = act(R"(,"dry_run":true)");
  CHECK(dry.body.at("matched") == 2);
  CHECK(dry.body.at("changed") == 0);
  CHECK(rig->get("/api/v1/devices?health=quarantined", token).body.at("matching") == 0);
  auto done = act("");
  CHECK(done.body.at("changed") == 2);
  CHECK(rig->get("/api/v1/devices?health=quarantined", token).body.at("matching") == 2);
}

TEST(HttpService, a_device_is_quarantined_by_its_name_and_let_in_again) {
  std::string token = rig->token("operate");
  auto act = [&](const std::string& action, const std::string& select) {
    return rig->call(Method::post, "/api/v1/devices/actions", token,
                     R"({"action":")" + action + R"(","select":)" + select + "}");
  };
  auto health = [&] { return text(rig->get("/api/v1/devices/pump-1", token).body.at("health")); };
  CHECK(act("quarantine", R"({"ids":["pump-1","no-such"]})").body.at("changed") == 1);
  STRCMP_EQUAL("quarantined", health().c_str());
  CHECK_EQUAL(0, rig->get("/api/v1/devices/pump-2", token).body.at("health") == "quarantined");
  CHECK_EQUAL(200u, act("revoke", R"({"ids":["pump-1"]})").status);
  STRCMP_EQUAL("revoked", health().c_str());
  CHECK_EQUAL(200u, act("release", R"({"ids":["pump-1"]})").status);
  CHECK(health() != "revoked" && health() != "quarantined");
  CHECK_EQUAL(400u, act("release", R"({"ids":["pump-1"],"q":"pump"})").status);
}

TEST(HttpService, the_dashboard_is_served_with_a_strict_policy) {
  auto page = rig->get("/devices/pump-1", "");
  CHECK_EQUAL(200u, page.status);
  CHECK(page.response.body.find("Spillway") != std::string::npos);
  std::string policy(page.header("content-security-policy"));
  CHECK(policy.find("script-src 'self'") != std::string::npos);
  CHECK(policy.find("unsafe") == std::string::npos);
  auto known = rig->call(Method::get, "/", "", "", {{"if-none-match", "\"page\""}});
  CHECK_EQUAL(304u, known.status);
  auto packed = rig->call(Method::get, "/assets/app-1.js", "", "", {{"accept-encoding", "gzip"}});
  CHECK(packed.header("content-encoding") == "gzip");
  CHECK(packed.header("cache-control").find("immutable") != std::string_view::npos);
  auto smaller =
      rig->call(Method::get, "/assets/app-1.js", "", "", {{"accept-encoding", "gzip, br;q=0.5"}});
  CHECK(smaller.header("content-encoding") == "br");
  CHECK_EQUAL(404u, rig->get("/assets/no-such.js", "").status);
  CHECK_EQUAL(405u, rig->call(Method::post, "/", "", "x").status);
}

TEST(HttpService, what_is_not_there_says_so) {
  std::string token = rig->token("read");
  CHECK_EQUAL(404u, rig->get("/api/v1/nothing", token).status);
  CHECK_EQUAL(404u, rig->get("/api/v2/devices", token).status);
  CHECK_EQUAL(404u, rig->get("/api/v1/devices/%zz", token).status);
  CHECK_EQUAL(404u, rig->get("/api/v1/devices/no-such", token).status);
  CHECK_EQUAL(404u, rig->get("/api/v1/tasks/offloaded/00000000000000aa-99", token).status);
  CHECK_EQUAL(400u, rig->get("/api/v1/tasks/offloaded/junk", token).status);
  auto method = rig->call(Method::del, "/api/v1/fleet/summary", token);
  CHECK_EQUAL(405u, method.status);
  CHECK(method.header("allow") == "GET");
}

TEST(HttpService, a_stream_resumes_where_it_was_cut) {
  std::string token = rig->token("read");
  ServiceRig::Headers who = {{"authorization", "Bearer " + token}};
  std::vector<ServerEvent> events;
  const auto change = [&](std::uint64_t session) {
    rig->on_loop([session](cloud::Fleet& fleet) {
      wire::Presence presence;
      presence.online = true;
      presence.session = session;
      fleet.on_presence("pump-1", presence);
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    rig->on_loop([](cloud::Fleet&) {});
  };
  std::uint64_t session = 2;
  auto read = [&](const ServerEvent& event) {
    events.push_back(event);
    if (events.size() < 4) change(session++);
    return events.size() < 4;
  };
  CHECK(rig->client().stream("/api/v1/stream", who, read).ok());
  STRCMP_EQUAL("snapshot", events[0].name.c_str());
  std::string position = events[1].id, missed = events[2].id;
  events.clear();
  auto again = [&](const ServerEvent& event) {
    events.push_back(event);
    return false;
  };
  who.emplace_back("last-event-id", position);
  CHECK(rig->client().stream("/api/v1/stream", who, again).ok());
  STRCMP_EQUAL("delta", events[0].name.c_str());
  STRCMP_EQUAL(missed.c_str(), events[0].id.c_str());
  rig->restart();
  events.clear();
  CHECK(rig->client().stream("/api/v1/stream", who, again).ok());
  STRCMP_EQUAL("resync", events[0].name.c_str());
}

// A proxy that strips its prefix says nothing of it: what the page names must be relative.
TEST(HttpService, the_page_finds_its_files_under_any_prefix_and_the_cookie_stays_under_it) {
  const std::pair<const char*, const char*> places[] = {
      {"/", "\"assets/app-1.js"},
      {"/devices", "\"assets/app-1.js"},
      {"/devices/pump-1", "\"../assets/app-1.js"},
      {"/tasks/dispatched/x", "\"../../assets/app-1.js"}};
  for (const auto& [path, source] : places) {
    const auto page = rig->get(path, "");
    CHECK_EQUAL(200u, page.status);
    CHECK_TEXT(page.response.body.find(source) != std::string::npos, path);
  }
  const auto login =
      rig->call(Method::post, "/api/v1/session", "", R"({"token":")" + rig->token("admin") + "\"}");
  CHECK_EQUAL(200u, login.status);
  const std::string cookie(login.header("set-cookie"));
  CHECK(cookie.find("Path") == std::string::npos);
}

// The shape of opentelemetry-proto's JSON mapping is checked by the contract's schema; this, that
// it says the right thing.
TEST(HttpService, a_tasks_placement_is_its_owners_explanation_and_its_trace_has_the_devices_spans) {
  const std::string target = std::string("/api/v1/tasks/") + ServiceRig::kTask;
  const std::string admin = rig->token("admin");
  const auto placement = rig->get(target + "/placement", admin).body;
  CHECK(placement.at("explanation").at("chosen") == "cloud");
  CHECK(placement.at("explanation").at("dominant") == "no core here is free sooner");
  CHECK_EQUAL(2u, placement.at("explanation").at("candidates").as_array().size());
  const auto trace = rig->get(target + "/trace", admin).body;
  std::set<std::string> lanes, ghosts;
  for (const auto& span : trace.at("spans").as_array()) {
    lanes.insert(text(span.at("lane")));
    if (span.at("ghost").as_bool()) ghosts.insert(text(span.at("note")));
  }
  CHECK(lanes == std::set<std::string>({"edge", "link", "cloud"}));
  CHECK(ghosts == std::set<std::string>({"timeout"}));
  // Nothing was told of this one, and nothing is made up.
  const auto other = rig->get("/api/v1/tasks/00000000000000aa-8/placement", admin).body;
  CHECK(other.at("explanation").is_null());
}

TEST(HttpService, the_reasons_of_a_task_for_a_device_have_no_figures) {
  const auto answer =
      rig->get("/api/v1/tasks/" + rig->dispatched_task() + "/placement", rig->token("admin"));
  for (const std::string& problem :
       OpenApi::read(SPILLWAY_OPENAPI)
           .check(answer.body, {{"$ref", "#/components/schemas/Placement"}})) {
    FAIL(problem.c_str());
  }
  const auto candidate = answer.body.at_pointer("/explanation/candidates/0");
  for (const char* figure : {"wait_s", "transfer_s", "run_s", "slow_s", "score_s"}) {
    CHECK_TEXT(candidate.at(figure).is_null(), figure);
  }
}

TEST(HttpService, a_trace_is_exported_as_otlp) {
  const std::string target = std::string("/api/v1/tasks/") + ServiceRig::kTask + "/trace";
  const std::string admin = rig->token("admin");
  auto reply = rig->get(target + "?format=otlp", admin);
  CHECK_EQUAL(200u, reply.status);
  for (const std::string& problem :
       OpenApi::read(SPILLWAY_OPENAPI)
           .check(reply.body, {{"$ref", "#/components/schemas/OtlpTrace"}})) {
    FAIL(problem.c_str());
  }
  // The device owns the task, and the cloud ran an attempt of it.
  boost::json::array spans;
  for (const auto& resource : reply.body.at("resourceSpans").as_array()) {
    for (const auto& span : resource.at("scopeSpans").at(0).at("spans").as_array()) {
      spans.push_back(span);
    }
  }
  const TaskId task = *parse_task_id(ServiceRig::kTask);
  STRCMP_EQUAL(trace_of("", task).trace_id.c_str(), text(spans[0].at("traceId")).c_str());
  CHECK(spans[0].at("name") == "echo");
  CHECK(spans[0].at("parentSpanId") == "");
  std::map<std::string, unsigned> names;
  for (const auto& span : spans) {
    names[text(span.at("name"))] += 1;
    const bool root = &span == &spans[0];
    CHECK(root || span.at("parentSpanId") == spans[0].at("spanId"));
    CHECK(std::stoull(text(span.at("startTimeUnixNano"))) <=
          std::stoull(text(span.at("endTimeUnixNano"))));
  }
  CHECK_EQUAL(spans.size(), test::spans_of(reply.body));
  // Queued twice on the device, once on the way, once here; run on both.
  CHECK_EQUAL(4u, names["queued"]);
  CHECK_EQUAL(2u, names["run"]);
  CHECK_EQUAL(400u, rig->get(target + "?format=zipkin", admin).status);
}

TEST(HttpService, the_export_of_a_task_that_failed_on_its_device_ends_with_its_attempt) {
  ServiceRig own;
  own.fail_dispatched_task();
  const std::string target = "/api/v1/tasks/" + own.dispatched_task() + "/trace";
  const std::string admin = own.token("admin");
  // The whole; queued here, on its way there, run, on its way back.
  CHECK_EQUAL(5u, test::spans_of(own.get(target + "?format=otlp", admin).body));
  const auto trace = own.get(target, admin).body;
  CHECK_EQUAL(4u, trace.at("spans").as_array().size());
  CHECK(trace.at("spans").as_array().back().at("name") == "answer");
}
