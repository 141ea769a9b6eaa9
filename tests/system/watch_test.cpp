#include <boost/json.hpp>

#include "cloud/http/client.h"
#include "tests/support/eventually.h"
#include "tests/system/rig.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using cloud::http::Client;
using cloud::http::Method;
namespace json = boost::json;

namespace {

// The Prometheus of the system, scraping one target every second.
class Prometheus {
 public:
  Prometheus(const std::string& folder, const std::string& target, const std::string& token)
      : folder_(folder) {
    write_text(folder + "/spillway.token", token + "\n");
    write_text(folder + "/prometheus.yml",
               "global:\n  scrape_interval: 1s\nrule_files: [\"" SPILLWAY_RULES
               "\"]\nscrape_configs:\n  - job_name: spillway-cloud\n    static_configs:\n"
               "      - targets: [\"" +
                   target + "\"]\n    authorization: { credentials_file: " + folder +
                   "/spillway.token }\n");
    start();
  }
  bool started() const { return process_.has_value(); }
  // The value of an instant query's first sample; empty: none.
  std::string query(const std::string& expression) const {
    auto client = Client::make({"http://127.0.0.1:" + std::to_string(port_), "", 5s});
    auto answer = client->send(Method::get, "/api/v1/query?query=" + expression);
    if (!answer || answer->status != 200) return "";
    boost::system::error_code error;
    json::value body = json::parse(answer->body, error);
    const json::value* value = error ? nullptr : body.find_pointer("/data/result/0/value/1", error);
    return value ? std::string(value->as_string()) : "";
  }

 private:
  void start() {
    port_ = free_port();
    auto made = Process::start(
        {.argv = {"prometheus", "--config.file=" + folder_ + "/prometheus.yml",
                  "--storage.tsdb.path=" + folder_ + "/tsdb",
                  "--web.listen-address=127.0.0.1:" + std::to_string(port_), "--log.level=error"},
         .output = folder_ + "/prometheus.log",
         .errors = folder_ + "/prometheus.log"});
    if (made) process_.emplace(*std::move(made));
  }

  std::string folder_;
  std::uint16_t port_ = 0;
  std::optional<Process> process_;
};

}  // namespace

TEST_GROUP(Watch) {
  Rig rig;
  std::string url;

  void setup() override {
    CHECK_TEXT(rig.good(), rig.problem().c_str());
    url = rig.cloud_url();
  }
  std::string host() const { return url.substr(7); }
};

TEST(Watch, the_agent_is_in_the_fleet_its_tasks_are_listed_and_its_end_is_seen) {
  std::string shown_last;  // for the reader of a failure
  auto health = [&] {
    Ran shown = rig.spwctl({"device", "show", Testbed::kDevice});
    shown_last = shown.out + shown.err;
    return shown.code == 0 ? std::string(json::parse(shown.out).at("health").as_string()) : "";
  };
  const bool well = eventually(kSoon, [&] { return health() == "operational"; });
  CHECK_TEXT(well, shown_last.c_str());
  CHECK(rig.bed().wait_for_link(kSoon));
  CHECK_EQUAL(0, rig.spillway({"submit", "echo", "--prefer", "cloud", "--wait"}).code);
  CHECK(eventually(kSoon, [&] {
    Ran tasks = rig.spwctl({"task", "offloaded", "--device", Testbed::kDevice});
    return tasks.code == 0 && !json::parse(tasks.out).as_array().empty();
  }));
  rig.bed().kill_agent();
  CHECK(eventually(kSoon, [&] { return health() == "disconnected"; }));
  CHECK_EQUAL(0, rig.spwctl({"fleet", "status"}).code);
}

TEST(Watch, a_device_that_is_quarantined_knows_it_at_once_and_offers_again_once_released) {
  CHECK(rig.bed().wait_for_link(kSoon));
  CHECK_EQUAL(0, rig.spillway({"submit", "echo", "--prefer", "cloud", "--wait"}).code);
  // The device has nothing to offer, and so no refusal to learn it from.
  CHECK_EQUAL(0, rig.spwctl({"device", "quarantine", Testbed::kDevice}).code);
  const std::string refuses = "an operator has quarantined it";
  const auto says = [&](const std::string& text, const std::string& what) {
    return text.find(what) != std::string::npos;
  };
  CHECK(eventually(kSoon, [&] { return says(rig.output({"places"}), refuses); }));
  CHECK(file_says(rig.agent_log(), refuses));
  CHECK(says(rig.output({"doctor", "--config", rig.bed().agent_config()}), refuses));
  const std::string task =
      rig.output({"submit", "echo", "--prefer", "cloud", "--on-disconnect", "wait"});
  CHECK(says(rig.output({"why", task}), refuses));
  CHECK(says(rig.spwctl({"device", "sessions", Testbed::kDevice}).out, "\"quarantined\""));
  CHECK_EQUAL(0, rig.spwctl({"device", "release", Testbed::kDevice}).code);
  // By itself it would ask again a minute after it was kept out.
  CHECK(eventually(25s, [&] { return says(rig.output({"show", task}), "succeeded"); }));
  CHECK(file_says(rig.agent_log(), "the cloud takes this device's tasks again"));
}

TEST(Watch, a_real_Prometheus_scrapes_the_cloud_and_takes_its_rules) {
  Prometheus prometheus(rig.file("."), host(), rig.admin_token());
  CHECK(prometheus.started());
  CHECK(
      eventually(kSoon, [&] { return prometheus.query("spillway_fleet_devices_online") == "1"; }));
  CHECK(eventually(kSoon, [&] { return prometheus.query("up") == "1"; }));
  STRCMP_EQUAL("1", prometheus.query("spillway_broker_connected").c_str());
}

TEST(Watch, promtool_finds_nothing_wrong_with_rules_and_metrics) {
  auto client = *Client::make({url, "", 10s});
  auto metrics =
      client.send(Method::get, "/metrics", {{"authorization", "Bearer " + rig.admin_token()}});
  CHECK(metrics.ok() && metrics->status == 200);
  write_text(rig.file("metrics.txt"), metrics->body);
  Ran checked = run_program({"promtool", "check", "metrics"}, rig.file("metrics.txt"));
  CHECK_TEXT(checked.code == 0 && checked.err.empty(), (checked.out + checked.err).c_str());
  Ran rules = run_program({"promtool", "check", "rules", SPILLWAY_RULES});
  CHECK_TEXT(rules.code == 0, (rules.out + rules.err).c_str());
  // Every metric that the rules and the Grafana dashboard name is one that is there.
  for (const char* file : {SPILLWAY_RULES, SPILLWAY_GRAFANA}) {
    std::string text = read_text(file);
    for (std::size_t at = 0; (at = text.find("spillway_", at)) != std::string::npos; ++at) {
      std::string name =
          text.substr(at, text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", at) - at);
      CHECK_TEXT(metrics->body.find("# TYPE " + name + " ") != std::string::npos, name.c_str());
    }
  }
}

TEST(Watch, what_was_cancelled_or_expired_is_nowhere_shown_as_a_success) {
  CHECK(rig.bed().wait_for_link(kSoon));
  // The cloud hears a moment later of what ran on the device.
  const auto ask = [this](const std::string& path) {
    auto client = Client::make({url, "", kSoon});
    std::string body = "null";
    CHECK_TEXT(eventually(kSoon,
                          [&] {
                            auto answer =
                                client->send(Method::get, "/api/v1/tasks" + path,
                                             {{"authorization", "Bearer " + rig.admin_token()}});
                            if (answer) body = answer->body;
                            return answer && answer->status == 200;
                          }),
               body.c_str());
    return json::parse(body);
  };
  for (const std::string place : {"local", "cloud"}) {
    for (const std::string end : {"cancelled", "expired"}) {
      std::vector<std::string> submit = {"submit",   "spin", "--arg", "iterations=1000000000000",
                                         "--prefer", place};
      if (end == "expired") submit.insert(submit.end(), {"--deadline", "2s"});
      const std::string id = rig.output(submit);
      const auto shown = [&] { return json::parse(rig.output({"show", id, "--json"})); };
      if (end == "cancelled") {
        CHECK(eventually(kSoon, [&] {
          const json::value task = shown();
          return task.at("state") == (place == "local" ? "running" : "leased") &&
                 task.at("in_state_s").to_number<double>() > 1;
        }));
        CHECK_EQUAL(0, rig.spillway({"cancel", id}).code);
      }
      CHECK(eventually(kSoon, [&] { return shown().at("state") == json::string(end); }));
      const SimpleString attempt = StringFromFormat("%s  %s", place.c_str(), end.c_str());
      STRCMP_CONTAINS(attempt.asCharString(), rig.output({"show", id}).c_str());
      CHECK(shown().at_pointer("/result/attempts/0/failure") == "interrupted");
      const std::string task = "/" + std::string(shown().at("id").as_string());
      const json::value root =
          ask(task + "/trace?format=otlp").at_pointer("/resourceSpans/0/scopeSpans/0/spans/0");
      CHECK_EQUAL(2, root.at_pointer("/status/code").as_int64());
      CHECK(root.at_pointer("/status/message") == json::string(end));
      double ran = 0;
      const json::value trace = ask(task + "/trace");
      for (const json::value& span : trace.at("spans").as_array()) {
        if (span.at("name") != "run") continue;
        ran = span.at("to_s").to_number<double>() - span.at("from_s").to_number<double>();
      }
      CHECK(ran > 0.4);
      if (place == "local") continue;
      CHECK(ask("/offloaded" + task).at("failure") == "interrupted");
      CHECK(ask("/offloaded" + task).at("ran_s").to_number<double>() > 0.4);
    }
  }
  CHECK_EQUAL(2U, ask("/offloaded?failed=true").at("items").as_array().size());
}
