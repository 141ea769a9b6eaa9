#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "cloud/api/routes.h"
#include "cloud/fleet/views.h"
#include "common/base/update_phase.h"
#include "tests/integration/http/schema.h"
#include "tests/integration/http/service_rig.h"
#include "tests/integration/http/spans.h"

// last
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cloud::api;
using namespace spillway::cloud::http;
using spillway::test::OpenApi;
using spillway::test::ServiceRig;

namespace {

// What an operation is called with so that it succeeds: the parameters of its path, a query, a
// body, and further headers.
struct Example {
  std::map<std::string, std::string> path;
  std::string query, body;
  ServiceRig::Headers headers;
};

const std::map<std::string, std::string> kPump = {{"device", "pump-1"}};
// Filled in once there is one.
const std::map<std::string, std::string> kDispatched = {{"task", "dispatched"},
                                                        {"group", "dispatched"}};
const std::map<std::string, std::string> kTask = {{"task", ServiceRig::kTask}};

// Operations without an entry are called as they are. They run in this order where it matters.
const std::vector<std::pair<std::string, Example>> kExamples = {
    {"listDevices", {{}, "q=pump&health=operational,degraded&sort=-backlog&limit=1", "", {}}},
    {"expectDevice", {{}, "", R"({"id":"new-1","group":"lab","labels":["site=a"]})", {}}},
    {"actOnDevices", {{}, "", R"({"action":"set_group","group":"lab","select":{"q":"pump"}})", {}}},
    {"getDevice", {kPump, "", "", {}}},
    {"changeDevice", {kPump, "", R"({"group":"field","labels":["a=b"]})", {{"if-match", ""}}}},
    {"getDeviceTelemetry", {kPump, "step=10&metrics=cpu,backlog", "", {}}},
    {"listDeviceSessions", {kPump, "limit=5", "", {}}},
    {"listDeviceOffloadedTasks", {kPump, "limit=2", "", {}}},
    {"listDeviceEvents", {kPump, "limit=1", "", {}}},
    {"getDeviceLosses", {kPump, "", "", {}}},
    {"listOffloadedTasks", {{}, "state=done&kind=echo&failed=false&device=pump-1", "", {}}},
    {"getOffloadedTask", {kTask, "", "", {}}},
    {"getTaskTrace", {kTask, "", "", {}}},
    {"getTaskPlacement", {kTask, "", "", {}}},
    {"dispatchTask",
     {{},
      "",
      R"({"kind":"echo","input":"x","args":{"a":"b"},"select":{"q":"pump"},"deadline_s":60,"band":"high"})",
      {}}},
    {"listDispatchedTasks", {{}, "state=ready&kind=echo&device=pump-1", "", {}}},
    {"getDispatchedTask", {kDispatched, "", "", {}}},
    {"cancelTask", {kDispatched, "", "", {}}},
    {"retryTask", {kDispatched, "", "", {}}},
    {"getTaskGroup", {kDispatched, "", "", {}}},
    {"cancelTaskGroup", {kDispatched, "", "", {}}},
    {"listTaskGroups", {{}, "limit=2", "", {}}},
    {"retryTaskGroup", {kDispatched, "", "", {}}},
    {"askDevice", {kPump, "", R"({"command":"logs","lines":20})", {}}},
    {"getFleetSeries", {{}, "metrics=online,backlog&step=60", "", {}}},
    {"acknowledgeAlert", {{{"alert", "1"}}, "", R"({"note":"on it"})", {}}},
    {"putAlertRule",
     {{{"rule", "too-hot"}},
      "",
      R"({"title":"Hot","severity":"warning","scope":"device","subject":"temperature_mc","compare":"above","value":80000,"lasting_s":60,"group":"","enabled":true})",
      {}}},
    {"dropAlertRule", {{{"rule", "too-hot"}}, "", "", {}}},
    {"silence", {{}, "", R"({"rule":"hot","for_s":3600,"note":"known"})", {}}},
    {"endSilence", {{{"silence", "1"}}, "", "", {}}},
    {"createToken", {{}, "", R"({"name":"t","scope":"read","expires_in_s":3600})", {}}},
    {"revokeToken", {{{"token", "none"}}, "", "", {}}},
    {"login", {{}, "", "", {}}},
    {"forgetDevice", {{{"device", "valve-1"}}, "", "", {}}},
};

Method method_of(const std::string& name) {
  for (Method each : {Method::get, Method::post, Method::put, Method::patch, Method::del}) {
    if (to_string(each) == name) return each;
  }
  return Method::other;
}

const Example& example_of(const std::string& id) {
  static const Example kNone;
  for (const auto& [name, example] : kExamples) {
    if (name == id) return example;
  }
  return kNone;
}

std::string target_of(const OpenApi::Operation& operation, const Example& example) {
  std::string target = operation.path;
  for (std::size_t at; (at = target.find('{')) != std::string::npos;) {
    std::size_t end = target.find('}', at);
    auto found = example.path.find(target.substr(at + 1, end - at - 1));
    target.replace(at, end - at + 1, found == example.path.end() ? "1" : found->second);
  }
  return example.query.empty() ? target : target + "?" + example.query;
}

}  // namespace

TEST_GROUP(HttpContract) {
  OpenApi api = OpenApi::read(SPILLWAY_OPENAPI);
  std::unique_ptr<ServiceRig> rig = std::make_unique<ServiceRig>();
  std::string admin = rig->token("admin");

  // The answer is one that the document declares, with its headers and its body's schema.
  void check_answer(const OpenApi::Operation& operation, const ServiceRig::Reply& reply,
                    bool succeeds) {
    std::string said = operation.id + ": " + std::to_string(reply.status) + " " +
                       reply.response.body.substr(0, 300);
    CHECK_TEXT(!succeeds || (reply.status >= 200 && reply.status < 300), said.c_str());
    CHECK_TEXT(reply.header("x-content-type-options") == "nosniff", said.c_str());
    const auto& responses = operation.item->at("responses").as_object();
    const auto* declared = responses.if_contains(std::to_string(reply.status));
    if (!declared && !succeeds) declared = responses.if_contains("default");
    CHECK_TEXT(declared != nullptr, said.c_str());
    const auto& response = api.resolve(*declared);
    if (const auto* headers = response.if_contains("headers")) {
      for (const auto& header : headers->as_object()) {
        std::string name(header.key());
        for (char& c : name) c = char(std::tolower(c));
        CHECK_TEXT(!reply.header(name).empty(),
                   std::string(said).append(" lacks ").append(name).c_str());
      }
    }
    const auto* content = response.if_contains("content");
    if (!content) {
      CHECK_TEXT(reply.response.body.empty(), said.c_str());
      return;
    }
    std::string type = reply.response.content_type.substr(0, reply.response.content_type.find(';'));
    const auto* medium = content->as_object().if_contains(type);
    CHECK_TEXT(medium != nullptr, (said + " as " + type).c_str());
    if (type.find("json") == std::string::npos) return;
    const auto* object = reply.body.if_object();
    if (object && object->contains("resourceSpans")) (void)test::spans_of(reply.body);
    for (const std::string& problem : api.check(reply.body, medium->as_object().at("schema"))) {
      FAIL((operation.id + problem).c_str());
    }
  }
};

TEST(HttpContract, the_document_is_in_order) {
  for (const std::string& problem : api.lint()) FAIL(problem.c_str());
}

TEST(HttpContract, every_route_is_described_and_every_description_has_its_route) {
  std::map<std::string, std::string> described, routed;
  for (const auto& operation : api.operations()) {
    std::string path = operation.path;
    if (path.starts_with("/api/v1")) path = path.substr(7);
    described[operation.id] = operation.method + " " + path + " " + operation.scope;
  }
  each_route([&](const Route& route) {
    routed[std::string(route.operation)] = std::string(to_string(route.method)) + " " +
                                           std::string(route.path) + " " +
                                           std::string(route.scope ? to_string(*route.scope) : "");
  });
  for (const auto& [id, text] : described) STRCMP_EQUAL(text.c_str(), routed[id].c_str());
  LONGS_EQUAL(described.size(), routed.size());
}

TEST(HttpContract, the_metrics_of_a_device_are_described_as_their_table_has_them) {
  const auto& schemas = api.root().at("components").at("schemas");
  const auto& described = schemas.at("DeviceRow").at("properties").as_object();
  std::vector<std::string> fields, listed;
  for (const auto& member : described) {
    if (member.value().as_object().contains("x-sort")) fields.emplace_back(member.key());
  }
  for (const cloud::DeviceMetric& metric : cloud::kDeviceMetrics) {
    listed.emplace_back(metric.field);
    const std::string field(metric.field);
    CHECK_TEXT(described.contains(field), field.c_str());
    const auto& told = described.at(field).as_object();
    STRCMP_EQUAL_TEXT(std::string(metric.title).c_str(), told.at("title").as_string().c_str(),
                      field.c_str());
    std::string first(metric.worse == cloud::DeviceMetric::Worse::larger ? "-" : "");
    first += metric.name;
    STRCMP_EQUAL_TEXT(first.c_str(), told.at("x-sort").as_string().c_str(), field.c_str());
    CHECK_TEXT(told.contains("x-wide") == (metric.shown == cloud::DeviceMetric::Shown::wide),
               field.c_str());
    const bool whole = metric.unit == cloud::Unit::count || metric.unit == cloud::Unit::bytes;
    const boost::json::value type = whole ? "integer" : "number";
    const boost::json::value or_null = boost::json::array{type, "null"};
    const bool told_always = metric.read({}).has_value();
    CHECK_TEXT(told.at("type") == (told_always ? type : or_null), field.c_str());
    const auto& of_one = schemas.at("Device").at("properties").as_object();
    CHECK_TEXT(of_one.contains(field) && of_one.at(field).at("type") == told.at("type"),
               field.c_str());
  }
  CHECK(fields == listed);
}

// So that a new one is a row there, and nothing else.
TEST(HttpContract, what_lists_devices_names_no_metric_but_in_the_table) {
  namespace fs = std::filesystem;
  const fs::path cloud_sources = SPILLWAY_CLOUD_SOURCES;
  std::vector<fs::path> files = {cloud_sources / "api/openapi.json",
                                 cloud_sources / "web/src/pages/devices.tsx",
                                 cloud_sources / "web/src/pages/device_metrics.ts"};
  for (const char* room : {"api", "ctl", "fleet"}) {
    for (const auto& entry : fs::directory_iterator(cloud_sources / room)) {
      const std::string name = entry.path().filename().string();
      const bool source = name.ends_with(".cpp") || name.ends_with(".h");
      if (source && name != "device_metrics.h") files.push_back(entry.path());
    }
  }
  for (const fs::path& file : files) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    CHECK_TEXT(text.str().size() > 100, file.c_str());
    for (const cloud::DeviceMetric& metric : cloud::kDeviceMetrics) {
      const std::string field(metric.field);
      // A count has no unit in its name, which is an ordinary word.
      if (metric.unit == cloud::Unit::count) continue;
      CHECK_TEXT(text.str().find(field) == std::string::npos, (field + file.string()).c_str());
    }
  }
}

TEST(HttpContract, a_list_of_devices_is_sorted_by_all_that_is_described_and_nothing_else) {
  const auto words_of = [&](const char* operation, const char* parameter) {
    std::set<std::string> words;
    for (const auto& each : api.operations()) {
      if (each.id != operation) continue;
      for (const auto& one : each.item->at("parameters").as_array()) {
        const auto& given = one.as_object();
        if (!given.contains("name") || given.at("name") != parameter) continue;
        const auto& schema = given.at("schema").as_object();
        const auto& from = schema.contains("items") ? schema.at("items").as_object() : schema;
        for (const auto& word : from.at("enum").as_array()) words.emplace(word.as_string());
      }
    }
    return words;
  };
  std::set<std::string> sorts, series;
  for (std::string_view name : cloud::device_sort_names()) {
    sorts.emplace(name);
    sorts.insert("-" + std::string(name));
  }
  for (std::string_view name : cloud::device_series_names()) series.emplace(name);
  CHECK(words_of("listDevices", "sort") == sorts);
  CHECK(words_of("getDeviceTelemetry", "metrics") == series);
  for (const std::string& sort : sorts) {
    const auto reply = rig->get("/api/v1/devices?sort=" + sort, admin);
    CHECK_EQUAL_TEXT(200U, reply.status, sort.c_str());
  }
}

TEST(HttpContract, the_phases_of_an_update_that_are_described_are_all_there_are) {
  const auto& update =
      api.root().at("components").at("schemas").at("Device").at("properties").at("update");
  std::vector<std::string_view> words;
  for (const auto& word : update.at("properties").at("phase").at("enum").as_array())
    words.emplace_back(word.as_string());
  CHECK(std::ranges::equal(words, kUpdatePhases));
}

TEST(HttpContract, every_operation_answers_as_described) {
  std::map<std::string, OpenApi::Operation> left;
  for (const auto& operation : api.operations()) left[operation.id] = operation;
  const auto run = [&](const std::string& id, Example example) {
    const OpenApi::Operation& operation = left.at(id);
    if (id == "changeDevice") {
      example.headers[0].second = rig->get("/api/v1/devices/pump-1", admin).header("etag");
    }
    if (example.path == kDispatched) {
      example.path = {{"task", rig->dispatched_task()}, {"group", rig->dispatched_group()}};
    }
    if (id == "login") example.body = R"({"token":")" + admin + "\"}";
    if (id == "revokeToken") {
      example.path["token"] =
          rig->get("/api/v1/tokens", admin).body.at("items").at(1).at("id").as_string();
    }
    if (id == "endSession") {
      example.path["session"] =
          rig->get("/api/v1/sessions", admin).body.at("items").at(0).at("id").as_string();
    }
    check_answer(operation,
                 rig->call(method_of(operation.method), target_of(operation, example), admin,
                           example.body, example.headers),
                 id != "acknowledgeAlert");
    left.erase(id);
  };
  left.erase("stream");  // has no end; a test of its own below
  for (const auto& [id, example] : kExamples) {
    if (id != "forgetDevice") run(id, example);
  }
  while (left.size() > 1) {
    auto next = left.begin();
    if (next->first == "forgetDevice") ++next;
    run(next->first, Example());
  }
  run("forgetDevice", example_of("forgetDevice"));
}

TEST(HttpContract, a_task_for_a_device_has_the_path_and_the_reasons_that_others_have) {
  const std::string cancel = "/api/v1/tasks/" + rig->dispatched_task() + "/cancel";
  for (const bool over : {false, true}) {
    if (over) CHECK_EQUAL(200U, rig->call(Method::post, cancel, admin).status);
    for (const auto& operation : api.operations()) {
      if (operation.id != "getTaskTrace" && operation.id != "getTaskPlacement") continue;
      const Example asked{{{"task", rig->dispatched_task()}}, "", "", {}};
      check_answer(operation, rig->get(target_of(operation, asked), admin), true);
    }
  }
}

TEST(HttpContract, nobody_comes_in_without_a_token_or_with_too_small_a_scope) {
  std::map<std::string, std::string> by_scope = {{"read", rig->token("read")},
                                                 {"operate", rig->token("operate")}};
  for (const auto& operation : api.operations()) {
    if (operation.scope.empty()) continue;
    std::string target = target_of(operation, example_of(operation.id));
    auto stranger = rig->call(method_of(operation.method), target, "", "{}");
    CHECK_EQUAL_TEXT(401u, stranger.status, operation.id.c_str());
    check_answer(operation, stranger, false);
    if (operation.scope == "read") continue;
    const std::string& less = by_scope[operation.scope == "admin" ? "operate" : "read"];
    auto lesser = rig->call(method_of(operation.method), target, less, "{}");
    CHECK_EQUAL_TEXT(403u, lesser.status, operation.id.c_str());
    STRCMP_EQUAL("/problems/scope", lesser.problem().c_str());
    check_answer(operation, lesser, false);
  }
}

TEST(HttpContract, every_parameter_that_can_be_wrong_is_refused_when_it_is) {
  for (const auto& operation : api.operations()) {
    const auto* parameters = operation.item->if_contains("parameters");
    if (!parameters || operation.method != "GET") continue;
    Example plain = example_of(operation.id);
    plain.query.clear();
    std::string target = target_of(operation, plain);
    auto unknown = rig->get(target + "?no_such_thing=1", admin);
    bool reads_query = false;
    for (const auto& parameter : parameters->as_array()) {
      if (parameter.at("in") != "query") continue;
      reads_query = true;
      const auto& schema = api.resolve(parameter.at("schema"));
      std::string name(parameter.at("name").as_string());
      bool free_text =
          schema.at("type") == "string" && !schema.contains("enum") && name != "cursor";
      bool free_list =
          schema.at("type") == "array" && !api.resolve(schema.at("items")).contains("enum");
      if (free_text || free_list) continue;
      auto reply = rig->get(std::string(target).append("?").append(name).append("=!wrong!"), admin);
      CHECK_EQUAL_TEXT(400u, reply.status, (operation.id + " " + name).c_str());
      check_answer(operation, reply, false);
      CHECK_TEXT(reply.body.at("detail").as_string().starts_with(name),
                 reply.response.body.c_str());
    }
    if (reads_query) CHECK_EQUAL_TEXT(400u, unknown.status, operation.id.c_str());
  }
}

TEST(HttpContract, a_body_is_refused_when_it_has_a_wrong_type_or_an_unknown_member) {
  const std::string_view bodies[] = {"[]", "{", "nonsense", R"({"no_such_member":1})", "\xff"};
  for (const auto& operation : api.operations()) {
    if (!operation.item->contains("requestBody")) continue;
    Example example = example_of(operation.id);
    std::vector<std::string> wrong(std::begin(bodies), std::end(bodies));
    wrong.push_back(std::string(200, '[') + std::string(200, ']'));
    const auto& schema = api.resolve(
        operation.item->at("requestBody").at("content").at("application/json").at("schema"));
    for (const auto& property : schema.at("properties").as_object()) {
      wrong.push_back("{\"" + std::string(property.key()) + "\":{\"a\":[]}}");
    }
    for (const std::string& body : wrong) {
      auto reply = rig->call(method_of(operation.method), target_of(operation, example), admin,
                             body, {{"if-match", "\"1\""}});
      CHECK_EQUAL_TEXT(400u, reply.status, (operation.id + " " + body).c_str());
      check_answer(operation, reply, false);
    }
  }
}

TEST(HttpContract, the_event_stream_sends_what_is_described) {
  auto client = rig->client();
  std::set<std::string> seen;
  std::atomic<bool> all{false};
  auto read = [&](const ServerEvent& event) {
    std::string name = event.name;
    name[0] = char(std::toupper(name[0]));
    auto value = boost::json::parse(event.data);
    auto schema = boost::json::value{{"$ref", "#/components/schemas/Stream" + name}};
    for (const std::string& problem : api.check(value, schema)) FAIL((name + problem).c_str());
    bool first = seen.insert(event.name).second;
    if (event.name == "snapshot" && first) {
      rig->on_loop([](cloud::Fleet& fleet) {
        wire::Presence gone;
        gone.session = 1;
        gone.boot = BootId{1};  // as it was born
        gone.graceful = true;
        fleet.on_presence("pump-1", gone);
      });
      rig->on_loop([](cloud::Fleet&) {});
    }
    all = seen.size() == 3;
    return !all;
  };
  std::thread ticks([&] {
    for (int i = 0; i < 200 && !all; ++i) {
      rig->on_loop([](cloud::Fleet&) {});
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  auto reply = client.stream("/api/v1/stream?last_event_id=old",
                             {{"authorization", "Bearer " + admin}}, read);
  ticks.join();
  CHECK(reply.ok());
  CHECK(seen == std::set<std::string>({"resync", "snapshot", "delta"}));
}
