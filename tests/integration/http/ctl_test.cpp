#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#include "cloud/ctl/program.h"
#include "cloud/fleet/views.h"
#include "cloud/http/server.h"
#include "tests/integration/http/prefix_proxy.h"
#include "tests/integration/http/service_rig.h"
#include "tests/integration/http/spans.h"

// last
#include <CppUTest/TestHarness.h>

using namespace spillway;
using spillway::test::PrefixProxy;
using spillway::test::ServiceRig;

namespace {

// A server that gives everybody one answer.
std::unique_ptr<cloud::http::Server> site(const cloud::http::Response& always) {
  auto started = cloud::http::Server::start(
      {},
      [always](const cloud::http::Request&, const cloud::http::Answer& answer) { answer(always); });
  if (!started) FAIL(started.error().message.c_str());
  return *std::move(started);
}

std::unique_ptr<cloud::http::Server> site(unsigned status, const char* type, const char* body) {
  cloud::http::Response response;
  response.status = status;
  response.content_type = type;
  response.body = body;
  return site(response);
}

std::string url_of(const cloud::http::Server& server) {
  return "http://127.0.0.1:" + std::to_string(server.port());
}

using CommandLine = std::vector<std::string>;

// Every command that asks the cloud something.
const std::vector<CommandLine> kAsking = {
    {"fleet", "status"},
    {"fleet", "watch"},
    {"cloud", "show"},
    {"kind", "list"},
    {"event", "tail"},
    {"audit", "list"},
    {"device", "list"},
    {"device", "show", "pump-1"},
    {"device", "watch"},
    {"device", "offloaded", "pump-1"},
    {"device", "events", "pump-1"},
    {"device", "sessions", "pump-1"},
    {"device", "losses", "pump-1"},
    {"device", "quarantine", "pump-1"},
    {"device", "quarantine", "pump-1", "--dry-run"},
    {"device", "revoke", "-q", "pump"},
    {"device", "set-group", "--to", "lab", "--all"},
    {"device", "drain", "pump-1"},
    {"device", "logs", "pump-1"},
    {"device", "update", "pump-1", "--url", "https://host/a", "--sha256", std::string(64, 'a')},
    {"task", "offloaded"},
    {"task", "show", "00000000000000aa-7"},
    {"task", "why", "00000000000000aa-7"},
    {"task", "trace", "00000000000000aa-7"},
    {"task", "trace", "00000000000000aa-7", "--otlp"},
    {"task", "tail"},
    {"task", "submit", "echo", "pump-1"},
    {"task", "dispatched"},
    {"task", "groups"},
    {"task", "group", "00000000000000aa-7x2"},
    {"task", "cancel", "00000000000000aa-7"},
    {"task", "retry", "00000000000000aa-7x2"},
    {"alert", "list"},
    {"alert", "ack", "12"},
    {"alert", "silence", "--rule", "hot"},
    {"alert", "rules"},
    {"token", "create", "--name", "me", "--scope", "read"},
    {"token", "list"},
    {"token", "revoke", "3f9c2d"},
    {"session", "list"},
    {"session", "end", "9a41c07d22ef"},
    {"doctor"}};

}  // namespace

TEST_GROUP(Spwctl) {
  std::unique_ptr<ServiceRig> rig = std::make_unique<ServiceRig>();
  std::string token = rig->token("admin"), url = rig->service().url();
  std::ostringstream out, err;
  std::istringstream in;

  int run(std::vector<std::string> arguments) {
    out.str("");
    err.str("");
    return ctl::run(std::move(arguments), {out, err,
                                           [this](const char* name) -> const char* {
                                             std::string wanted(name);
                                             if (wanted == "SPWCTL_URL") return url.c_str();
                                             if (wanted == "SPWCTL_TOKEN") return token.c_str();
                                             return wanted == "SPWCTL_CONFIG" ? "/none" : nullptr;
                                           },
                                           &in});
  }
  bool said(std::string_view text) const { return out.str().find(text) != std::string::npos; }
  // What is asked there fails, and says so in one line alone.
  void check_refused(const CommandLine& command, const std::string& reason) {
    std::string name;
    for (const std::string& word : command) name += word + " ";
    CHECK_EQUAL_TEXT(1, run(command), name.c_str());
    // Quarantine counts what it could not change.
    const bool counts = name.find("quarantine") != std::string::npos;
    if (!counts) STRCMP_EQUAL_TEXT("", out.str().c_str(), name.c_str());
    CHECK_TEXT(err.str().find(reason) != std::string::npos, (name + err.str()).c_str());
    CHECK_EQUAL_TEXT(err.str().size() - 1, err.str().find('\n'), (name + err.str()).c_str());
  }
  void check_all_refused(const char* format, const std::string& reason) {
    for (CommandLine command : kAsking) {
      command.insert(command.end(), {"-o", format});
      check_refused(command, reason);
    }
  }
};

TEST(Spwctl, shows_the_fleet_and_its_devices) {
  CHECK_EQUAL(0, run({"fleet", "status"}));
  CHECK(said("devices                3\n"));
  CHECK_EQUAL(0, run({"device", "list", "--sort", "-name", "-o", "csv"}));
  CHECK(out.str().find("valve-1") < out.str().find("pump-1"));
  CHECK_EQUAL(0, run({"device", "list", "-q", "pump", "--limit", "1", "-o", "json"}));
  LONGS_EQUAL(1, boost::json::parse(out.str()).as_array().size());
  CHECK_EQUAL(0, run({"device", "show", "pump-1"}));
  CHECK(said("42%") && said("51.5"));
  CHECK_EQUAL(0, run({"device", "losses", "pump-1"}));
  CHECK(said("disk_budget"));
}

TEST(Spwctl, a_list_of_devices_has_a_column_for_each_metric) {
  CHECK_EQUAL(0, run({"device", "list", "-o", "csv"}));
  const std::string fields = "," + out.str().substr(0, out.str().find('\r')) + ",";
  CHECK_EQUAL(0, run({"device", "list"}));
  const std::string few = out.str().substr(0, out.str().find('\n'));
  CHECK_EQUAL(0, run({"device", "list", "-o", "wide"}));
  const std::string many = out.str().substr(0, out.str().find('\n'));
  for (const cloud::DeviceMetric& metric : cloud::kDeviceMetrics) {
    std::string title(metric.title);
    for (char& c : title) c = char(std::toupper(c));
    const bool always = metric.shown == cloud::DeviceMetric::Shown::always;
    CHECK_TEXT(fields.find("," + std::string(metric.field) + ",") != std::string::npos,
               title.c_str());
    CHECK_TEXT(many.find("  " + title + "  ") != std::string::npos, title.c_str());
    const bool shown = (few + "  ").find("  " + title + "  ") != std::string::npos;
    CHECK_TEXT(shown == always, title.c_str());
  }
  CHECK_EQUAL(0, run({"device", "list", "--help"}));
  for (std::string_view name : cloud::device_sort_names()) CHECK(said(name));
}

TEST(Spwctl, every_look_succeeds_in_every_format) {
  const std::vector<std::vector<std::string>> looks = {{"fleet", "status"},
                                                       {"cloud", "show"},
                                                       {"kind", "list"},
                                                       {"audit", "list"},
                                                       {"device", "list"},
                                                       {"device", "show", "pump-1"},
                                                       {"device", "offloaded", "pump-1"},
                                                       {"device", "events", "pump-1"},
                                                       {"device", "sessions", "pump-1"},
                                                       {"device", "losses", "pump-1"},
                                                       {"task", "offloaded"},
                                                       {"task", "show", ServiceRig::kTask},
                                                       {"task", "trace", ServiceRig::kTask},
                                                       {"task", "why", ServiceRig::kTask},
                                                       {"alert", "list", "--all"},
                                                       {"task", "groups"},
                                                       {"alert", "rules"},
                                                       {"token", "list"},
                                                       {"session", "list"}};
  for (const auto& look : looks) {
    for (const char* format : {"table", "wide", "json", "ndjson", "csv"}) {
      auto arguments = look;
      arguments.insert(arguments.end(), {"-o", format});
      CHECK_EQUAL_TEXT(0, run(arguments), (look[0] + " " + look[1] + err.str()).c_str());
      if (std::string(format) != "json") continue;
      boost::system::error_code error;
      boost::json::parse(out.str(), error);
      CHECK_TEXT(!error, (look[0] + " " + look[1] + out.str()).c_str());
    }
  }
}

TEST(Spwctl, makes_the_first_token_by_the_link_and_only_once) {
  ServiceRig fresh;
  const std::string link = fresh.service().link();
  CHECK_EQUAL(2, run({"login", "http://127.0.0.1:1", "--name", "me"}));
  CHECK_EQUAL(2, run({"login", "--name", "me"}));
  in.clear();
  in.str(link + "\n");
  CHECK_EQUAL(0, run({"login", "--name", "me", "--scope", "operate"}));
  const std::string secret = out.str().substr(0, out.str().find('\n'));
  CHECK_EQUAL(4, run({"login", link, "--name", "me"}));
  token = secret;
  url = fresh.service().url();
  CHECK_EQUAL(0, run({"fleet", "status"}));
  CHECK_EQUAL(4, run({"token", "list"}));
}

TEST(Spwctl, what_is_none_of_the_values_or_names_is_refused_with_those_there_are) {
  const struct {
    CommandLine asked;
    const char* said;
  } wrong[] = {
      {{"device", "list", "--health", "bogus"}, "'bogus' is none of operational, degraded, "},
      {{"device", "list", "--reason", "bogus"}, "'bogus' is none of backlog_growing, "},
      {{"device", "list", "--sort", "-bogus"}, "'-bogus' is none of name, health, "},
      {{"task", "offloaded", "--state", "bogus"},
       "is none of accepted, running, done and answered"},
      {{"task", "dispatched", "--state", "bogus"}, "'bogus' is none of waiting, "},
      {{"alert", "silence", "--rule", "bogus"}, "'bogus'; there are backlog_growing "},
      {{"alert", "silence", "--device", "bogus"}, "no device 'bogus' is known"},
  };
  for (const auto& each : wrong) {
    CHECK(run(each.asked) != 0);
    STRCMP_CONTAINS(each.said, err.str().c_str());
  }
  CHECK_EQUAL(0, run({"alert", "silence", "--rule", "hot", "--device", "pump-1"}));
}

TEST(Spwctl, the_fleets_status_names_who_is_kept_out_when_somebody_is) {
  CHECK_EQUAL(0, run({"fleet", "status"}));
  CHECK_FALSE(said("quarantined") || said("revoked") || said("cloned"));
  CHECK_EQUAL(0, run({"device", "quarantine", "pump-1"}));
  CHECK_EQUAL(0, run({"fleet", "status"}));
  CHECK(said("quarantined") && !said("revoked"));
  CHECK_EQUAL(0, run({"fleet", "status", "-o", "wide"}));
  CHECK(said("revoked") && said("cloned"));
}

TEST(Spwctl, acts_on_named_devices_and_on_all_that_match) {
  CHECK_EQUAL(0, run({"device", "quarantine", "-q", "pump", "--dry-run", "-o", "json"}));
  CHECK(boost::json::parse(out.str()).at("matched") == 2);
  CHECK_EQUAL(0, run({"device", "quarantine", "pump-1", "--note", "leak"}));
  CHECK_EQUAL(0, run({"device", "quarantine", "pump-1", "-o", "json"}));
  CHECK_EQUAL(1, boost::json::parse(out.str()).at("changed").as_int64());
  CHECK_EQUAL(0, run({"device", "list", "--health", "quarantined", "-o", "ndjson"}));
  CHECK(said("pump-1") && !said("pump-2"));
  CHECK_EQUAL(7, run({"device", "release", "pump-1", "no-such"}));
  CHECK_EQUAL(2, run({"device", "revoke"}));
  CHECK_EQUAL(0, run({"device", "revoke", "-q", "pump", "--dry-run", "-o", "json"}));
  CHECK(boost::json::parse(out.str()).at("matched") == 2);
  CHECK_EQUAL(0, run({"device", "revoke", "pump-2", "--note", "stolen"}));
  CHECK_EQUAL(0, run({"device", "list", "--health", "revoked", "-o", "ndjson"}));
  CHECK(said("pump-2") && !said("pump-1"));
  CHECK_EQUAL(0, run({"device", "show", "pump-2"}));
  CHECK(said("stolen"));
  CHECK_EQUAL(0, run({"device", "release", "pump-2"}));
  CHECK_EQUAL(0, run({"device", "list", "--health", "revoked", "-o", "ndjson"}));
  CHECK_FALSE(said("pump-2"));
  CHECK_EQUAL(2, run({"device", "quarantine"}));
  CHECK_EQUAL(0, run({"device", "set-group", "--to", "lab", "-q", "valve"}));
  CHECK_EQUAL(0, run({"device", "list", "--group", "lab", "-o", "ndjson"}));
  CHECK(said("valve-1"));
}

TEST(Spwctl, says_of_a_task_that_nobody_knows_that_neither_side_does) {
  CHECK_EQUAL(3, run({"task", "why", "00000000000000aa-99"}));
  STRCMP_CONTAINS("it keeps the newest; nobody submitted a task 00000000000000aa-99 to a device",
                  err.str().c_str());
}

TEST(Spwctl, submits_to_devices_shows_cancels_and_tries_again) {
  const std::string input = rig->directory() + "/input";
  std::ofstream(input) << "1,2,3\n";
  const std::vector<std::string> submit = {
      "task",  "submit", "echo",    "-q", "pump", "--input",      input,     "--arg",
      "a=b=c", "--key",  "nightly", "-o", "json", "--task-label", "line=7=a"};
  CHECK_EQUAL_TEXT(0, run(submit), err.str().c_str());
  const auto made = boost::json::parse(out.str());
  CHECK(made.at("matched") == 2);
  const std::string group(made.at("group").as_string()), task(made.at("first_task").as_string());
  CHECK_EQUAL(0, run(submit));
  STRCMP_EQUAL(group.c_str(), boost::json::parse(out.str()).at("group").as_string().c_str());
  std::vector<std::string> another = submit;
  std::replace(another.begin(), another.end(), std::string("a=b=c"), std::string("a=other"));
  CHECK_EQUAL(5, run(another));
  CHECK(err.str().find(group) != std::string::npos);
  // The key stands for whom was asked for, too, whoever that is by now.
  for (const char* filter : {"valve", "nobody"}) {
    std::vector<std::string> others = submit;
    std::replace(others.begin(), others.end(), std::string("pump"), std::string(filter));
    CHECK_EQUAL(5, run(others));
    CHECK(err.str().find(group) != std::string::npos);
  }
  CHECK_EQUAL(0, run({"task", "dispatched", "--group", group, "-o", "ndjson"}));
  CHECK(said("pump-1") && said("pump-2"));
  CHECK_EQUAL(0, run({"task", "show", task}));
  CHECK(said("the device is not connected"));
  CHECK(said("line=7=a"));
  CHECK_EQUAL(2, run({"task", "submit", "echo", "pump-1", "--task-label", "line"}));
  STRCMP_CONTAINS("--task-label line: needs a =", err.str().c_str());
  CHECK_EQUAL_TEXT(0, run({"task", "why", task}), err.str().c_str());
  CHECK(said("it was submitted to pump-1, and runs nowhere else\n"));
  CHECK(
      said("pump-1  no        -     -         -    -     -      ready, for pump-1: the device is "
           "not connected\n"));
  CHECK_EQUAL_TEXT(0, run({"task", "trace", task}), err.str().c_str());
  CHECK(said("queued") && said("the device is not connected"));
  CHECK_EQUAL(5, run({"task", "retry", task}));
  CHECK_EQUAL(0, run({"task", "cancel", task}));
  CHECK_EQUAL(0, run({"task", "why", task}));
  CHECK(
      said("pump-1  -         -     -         -    -     -      cancelled, for pump-1: it was "
           "stopped before it was done\n"));
  CHECK_EQUAL(0, run({"task", "why", task, "-o", "json"}));
  const auto why = boost::json::parse(out.str()).at_pointer("/explanation/candidates/0");
  CHECK(why.at("score_s").is_null() && why.at("eligible").is_null());
  CHECK_EQUAL(0, run({"task", "trace", task, "--otlp"}));
  CHECK(said("spillway-cloud") && said("cancelled"));
  CHECK_EQUAL(2u, test::spans_of(boost::json::parse(out.str())));
  CHECK_EQUAL(0, run({"task", "retry", task}));
  CHECK_EQUAL(0, run({"task", "cancel", group, "-o", "json"}));
  CHECK(boost::json::parse(out.str()).at("states").at("cancelled") == 2);
  CHECK_EQUAL(0, run({"task", "retry", group, "-o", "json"}));
  CHECK(boost::json::parse(out.str()).at("states").at("cancelled") == 0);
  CHECK_EQUAL(0, run({"task", "groups", "-o", "ndjson"}));
  CHECK(said(group));
  CHECK_EQUAL(0, run({"task", "group", group}));
  // An id is no group's that has another number of tasks.
  for (const std::string& wrong : {group + "0", group.substr(0, group.find('x')) + "x1"}) {
    for (const std::vector<std::string>& line :
         {CommandLine{"task", "group", wrong}, CommandLine{"task", "cancel", wrong},
          CommandLine{"task", "retry", wrong},
          CommandLine{"task", "dispatched", "--group", wrong}}) {
      CHECK_EQUAL(3, run(line));
      CHECK(err.str().find("there is no group " + wrong) != std::string::npos);
    }
  }
  CHECK_EQUAL(2, run({"task", "submit", "echo"}));
  CHECK_EQUAL(3, run({"task", "submit", "echo", "no-such"}));
  CHECK_EQUAL(3, run({"task", "show", "00000000000000ab-1"}));
  // A task that a device offloaded is ended here, unless it has ended already.
  CHECK_EQUAL(0, run({"task", "cancel", ServiceRig::kHeldTask}));
  CHECK(said(ServiceRig::kHeldTask) && said("pump-2"));
  CHECK_EQUAL(5, run({"task", "cancel", ServiceRig::kTask}));
  CHECK_EQUAL(3, run({"task", "cancel", "00000000000000aa-99"}));
  CHECK_EQUAL(0, run({"task", "submit", "echo", "--all", "--dry-run", "-o", "json"}));
  CHECK(boost::json::parse(out.str()).at("matched") == 3);
}

TEST(Spwctl, asks_devices_that_have_an_updater_for_an_update) {
  const std::vector<std::string> update = {"device",
                                           "update",
                                           "pump-1",
                                           "--url",
                                           "https://host/next.raucb",
                                           "--sha256",
                                           std::string(64, 'a'),
                                           "-o",
                                           "json"};
  CHECK_EQUAL_TEXT(0, run(update), err.str().c_str());
  const std::string task(boost::json::parse(out.str()).at("first_task").as_string());
  CHECK_EQUAL(0, run({"task", "show", task}));
  CHECK(said("device.update"));
  CHECK_EQUAL(0, run({"task", "cancel", task}));
  std::vector<std::string> all = update;
  all[2] = "--all";
  // No device here has the kind.
  CHECK_EQUAL(3, run(all));
  CHECK_EQUAL(2, run({"device", "update", "pump-1"}));
}

TEST(Spwctl, asks_for_no_update_that_its_devices_would_refuse) {
  const std::string digest(64, 'a');
  for (const char* bundle :
       {"http://host/next.raucb", "/var/next.raucb", "https://", "ftp://host/a"}) {
    CHECK_EQUAL(2, run({"device", "update", "pump-1", "--url", bundle, "--sha256", digest}));
    CHECK(err.str().find("takes url=https://") != std::string::npos);
  }
  CHECK_EQUAL(2, run({"device", "update", "pump-1", "--url", "https://host/a", "--sha256", "ab"}));
  // Nor does the interface, whoever asks, and also when it would only count.
  for (const char* more : {"", R"(,"dry_run":true)"}) {
    const auto answer = rig->call(
        cloud::http::Method::post, "/api/v1/tasks/dispatched", rig->token("admin"),
        R"({"kind":"device.update","devices":["pump-1"],"args":{"url":"http://host/a","sha256":")" +
            digest + "\"}" + more + "}");
    CHECK_EQUAL(400U, answer.status);
  }
  CHECK_EQUAL(0, run({"task", "dispatched", "-o", "ndjson"}));
  CHECK_FALSE(said("device.update"));
}

TEST(Spwctl, asks_a_device_and_says_at_once_that_one_is_away) {
  CHECK_EQUAL(0, run({"device", "logs", "pump-1", "--limit", "20"}));
  STRCMP_EQUAL("20 lines\n", out.str().c_str());
  CHECK_EQUAL(0, run({"device", "logs", "pump-1", "-o", "json"}));
  CHECK(boost::json::parse(out.str()).at("text") == "100 lines\n");
  CHECK_EQUAL(0, run({"device", "drain", "pump-1"}));
  CHECK(said("drain"));
  CHECK_EQUAL(0, run({"device", "resume", "pump-1"}));
  CHECK_EQUAL(6, run({"device", "drain", "pump-2"}));
  CHECK(err.str().find("pump-2 is not connected") != std::string::npos);
  CHECK_EQUAL(2, run({"device", "logs", "pump-1", "--limit", "0"}));
  CHECK_EQUAL(0, run({"audit", "list", "-o", "ndjson"}));
  CHECK(said("askDevice") && said("pump-2"));
}

TEST(Spwctl, a_token_is_shown_once_and_ends_when_revoked) {
  CHECK_EQUAL(0, run({"token", "create", "--name", "grafana", "--scope", "read"}));
  std::string made = out.str().substr(0, out.str().find('\n')), admin = token;
  token = made;
  CHECK_EQUAL(0, run({"fleet", "status"}));
  CHECK_EQUAL(4, run({"token", "list"}));
  token = admin;
  CHECK_EQUAL(0, run({"token", "revoke", made.substr(4, made.find('.') - 4)}));
  token = made;
  CHECK_EQUAL(4, run({"fleet", "status"}));
}

TEST(Spwctl, another_site_is_no_cloud_whatever_it_is_asked) {
  constexpr char kSays[] = " is no spillway-cloud; is a prefix missing or wrong in --url?";
  auto other = site(200, "text/html", "<html>Not what you look for</html>");
  url = url_of(*other);
  check_all_refused("table", url + kSays);
  for (unsigned status : {302U, 404U, 405U}) {
    other = site(status, "text/html", "<html>Not here</html>");
    url = url_of(*other);
    for (const CommandLine& command : {CommandLine{"device", "show", "pump-1"},
                                       {"alert", "ack", "12"},
                                       {"token", "revoke", "3f9c2d"},
                                       {"event", "tail"}}) {
      check_refused(command, url + kSays);
    }
  }
  other = site(200, "application/json", "[1]");
  url = url_of(*other);
  check_refused({"login", url + "/login#code=abc", "--name", "me"}, url + kSays);
}

TEST(Spwctl, an_answer_of_another_shape_is_refused_in_one_line) {
  auto other = site(200, "application/json", "{}");
  url = url_of(*other);
  check_all_refused("json", "spillway-cloud");
  other = site(200, "application/json", R"({"items":1,"revision":"a","failed":null})");
  url = url_of(*other);
  check_all_refused("table", "spillway-cloud");
}

TEST(Spwctl, what_a_proxy_says_for_a_cloud_out_of_reach_is_no_other_site) {
  for (auto [status, code] : {std::pair(502U, 1), std::pair(503U, 6), std::pair(403U, 4)}) {
    auto proxy = site(status, "text/html", "<html>Bad gateway</html>");
    url = url_of(*proxy);
    CHECK_EQUAL(code, run({"fleet", "status"}));
    CHECK(err.str().find("the cloud answered " + std::to_string(status)) != std::string::npos);
  }
}

TEST(Spwctl, counts_named_devices_and_changes_none_in_a_dry_run) {
  for (const char* action : {"quarantine", "revoke"}) {
    CHECK_EQUAL(0, run({"device", action, "pump-1", "pump-2", "--dry-run", "-o", "json"}));
    CHECK(boost::json::parse(out.str()).at("matched") == 2);
    CHECK(boost::json::parse(out.str()).at("changed") == 0);
    CHECK_EQUAL(0, run({"device", action, "pump-1", "--dry-run"}));
    CHECK(said("matched  1\nchanged  0\n"));
  }
  CHECK_EQUAL(7, run({"device", "revoke", "pump-1", "no-such", "--dry-run", "-o", "json"}));
  CHECK(boost::json::parse(out.str()).at("matched") == 1);
  CHECK_EQUAL(3, run({"device", "revoke", "no-such", "--dry-run"}));
  CHECK_EQUAL(0, run({"device", "list", "--health", "quarantined,revoked", "-o", "ndjson"}));
  STRCMP_EQUAL("", out.str().c_str());
}

TEST(Spwctl, takes_names_or_a_filter_and_not_both) {
  const std::string digest(64, 'a');
  const CommandLine commands[] = {
      {"device", "quarantine"},
      {"device", "set-group", "--to", "lab"},
      {"device", "update", "--url", "https://host/a", "--sha256", digest},
      {"task", "submit", "echo"}};
  for (const CommandLine& command : commands) {
    for (const CommandLine& both : {CommandLine{"pump-1", "-q", "zzz"}, {"pump-1", "--all"}, {}}) {
      CommandLine line = command;
      line.insert(line.end(), both.begin(), both.end());
      CHECK_EQUAL_TEXT(2, run(line), (command[0] + " " + command[1]).c_str());
      CHECK(err.str().find("or a filter") != std::string::npos);
    }
  }
  CHECK_EQUAL(0, run({"device", "list", "--health", "quarantined", "-o", "ndjson"}));
  STRCMP_EQUAL("", out.str().c_str());
}

TEST(Spwctl, lists_by_which_token_each_was_written) {
  CHECK_EQUAL(0, run({"device", "quarantine", "pump-1"}));
  const std::string id = token.substr(4, token.find('.') - 4);
  for (const char* format : {"table", "wide", "csv"}) {
    CHECK_EQUAL(0, run({"audit", "list", "-o", format}));
    CHECK_TEXT(said(id), out.str().c_str());
  }
  CHECK(said("at,who,token,session,from,"));
}

TEST(Spwctl, works_through_a_proxy_that_has_the_cloud_under_a_prefix) {
  PrefixProxy proxy(url);
  for (const std::string& address : {proxy.url(), proxy.url().substr(0, proxy.url().size() - 1)}) {
    CHECK_EQUAL_TEXT(0, run({"device", "list", "--url", address}), err.str().c_str());
    CHECK(said("pump-1"));
  }
  for (const char* bad : {"http://127.0.0.1:1/a?b", "http://127.0.0.1:1/a b", "http:///spillway"}) {
    CHECK_EQUAL_TEXT(2, run({"device", "list", "--url", bad}), bad);
    CHECK(err.str().find("https://example.com/spillway") != std::string::npos);
  }
}

TEST(Spwctl, names_a_wrong_option_in_one_line_with_the_one_that_was_meant) {
  CHECK_EQUAL(2, run({"device", "list", "--helth", "degraded"}));
  STRCMP_EQUAL(
      "spwctl: there is no option '--helth'; did you mean '--health'? see: spwctl device list "
      "--help\n",
      err.str().c_str());
  CHECK_EQUAL(2, run({"device", "show"}));
  STRCMP_EQUAL("spwctl: device is required; see: spwctl device show --help\n", err.str().c_str());
}

TEST(Spwctl, every_group_shows_examples_of_its_own) {
  CHECK_EQUAL(0, run({"--help"}));
  std::istringstream lines(out.str());
  std::vector<std::string> nouns;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (inside && line.starts_with("  ") && line[2] != ' ') {
      nouns.push_back(line.substr(2, line.find(' ', 2) - 2));
    }
    inside = line.starts_with("Subcommands:") || (inside && !line.empty());
  }
  CHECK(nouns.size() > 8);
  for (const std::string& noun : nouns) {
    CHECK_EQUAL(0, run({noun, "--help"}));
    const std::string help = out.str();
    const std::size_t at = help.find("Examples:\n");
    CHECK_TEXT(at != std::string::npos, noun.c_str());
    const std::size_t line = help.find("  ", at);
    const std::string first = help.substr(line, help.find('\n', line) - line);
    CHECK_TEXT(first.find("spwctl " + noun) != std::string::npos, first.c_str());
  }
}

TEST(Spwctl, exit_codes_say_what_went_wrong) {
  CHECK_EQUAL(3, run({"device", "show", "no-such"}));
  CHECK_EQUAL(2, run({"device", "list", "--sort", "beauty"}));
  CHECK(err.str().find("sort: 'beauty'") != std::string::npos);
  token = "";
  CHECK_EQUAL(4, run({"fleet", "status"}));
  CHECK(err.str().find("SPWCTL_TOKEN") != std::string::npos);
}

TEST(Spwctl, cloud_show_says_when_a_device_knew_of_a_later_state) {
  run({"cloud", "show"});
  CHECK(said("2025-11-29T23:00:00"));
}

TEST(Spwctl, doctor_finds_the_broker_and_the_fleet) {
  run({"doctor"});
  CHECK(said("ok    the broker is connected"));
  CHECK(said("ok    the broker: keep alive 20 s\n"));
  CHECK(said("WRONG the broker: no wildcards: allow them\n"));
  CHECK(said("a new one began: ledger.db.damaged-1764457200 in "));
  CHECK(said("WRONG the cloud's state goes on from before: at 2025-11-29T23:00:00"));
  CHECK(said("restored from an earlier copy"));
  CHECK(said("knows 'admin' with the scope admin"));
}

// Or it would take a cloud that says why it cannot answer for one that is not there.
TEST(Spwctl, waits_longer_than_the_cloud_takes_to_say_that_it_cannot_answer) {
  CHECK(cloud::http::ClientOptions{}.timeout > cloud::http::ServerOptions{}.answer_time);
}
