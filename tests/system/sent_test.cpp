#include <sys/stat.h>
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

// The cloud's address must be the same after it was killed.
TestbedOptions same_address() {
  TestbedOptions options;
  options.http_port = free_port();
  return options;
}

}  // namespace

// Tasks that an operator has a device run, with real processes and a real broker.
TEST_GROUP(SentToDevices) {
  Rig rig{same_address()};
  std::string url, token_file;

  void setup() override {
    CHECK_TEXT(rig.good(), rig.problem().c_str());
    std::string link;
    CHECK(
        eventually(kSoon, [&] { return !(link = read_text(rig.file("cloud/link.txt"))).empty(); }));
    url = link.substr(0, link.find("/login#"));
    std::string code = link.substr(link.find('=') + 1);
    code.pop_back();  // the line's end
    token_file = rig.file("token");
    write_text(token_file, admin_token(code) + "\n");
    ::chmod(token_file.c_str(), 0600);
    CHECK(rig.bed().wait_for_link(kSoon));
    CHECK(eventually(kSoon, [&] {
      return spwctl({"device", "show", Testbed::kDevice}).code == 0;
    }));
  }
  std::string admin_token(const std::string& code) const {
    auto client = *Client::make({url, "", 10s});
    auto login = client.send(Method::post, "/api/v1/session", {}, R"({"code":")" + code + "\"}");
    CHECK(login.ok() && login->status == 200);
    std::string cookie;
    for (const auto& [name, value] : login->headers) {
      if (name == "set-cookie") cookie = value.substr(0, value.find(';'));
    }
    std::string csrf(json::parse(login->body).at("csrf").as_string());
    auto made =
        client.send(Method::post, "/api/v1/tokens", {{"cookie", cookie}, {"x-csrf-token", csrf}},
                    R"({"name":"test","scope":"admin"})");
    CHECK(made.ok() && made->status == 201);
    return std::string(json::parse(made->body).at("secret").as_string());
  }

  Ran spwctl(std::vector<std::string> arguments) {
    std::vector<std::string> all = {binary("spwctl"), "--url",    url,
                                    "--token-file",   token_file, "--json"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run_program(all);
  }
  // The task's id.
  std::string submit(std::vector<std::string> more) {
    std::vector<std::string> all = {"task", "submit"};
    all.insert(all.end(), more.begin(), more.end());
    all.emplace_back(Testbed::kDevice);
    Ran ran = spwctl(all);
    CHECK_TEXT(ran.code == 0, ran.err.c_str());
    return ran.code == 0 ? std::string(json::parse(ran.out).at("first_task").as_string()) : "";
  }
  json::value task(const std::string& id) {
    Ran shown = spwctl({"task", "show", id});
    return shown.code == 0 ? json::parse(shown.out) : json::value{{"state", shown.err}};
  }
  bool becomes(const std::string& id, std::string_view state) {
    return eventually(kSoon, [&] { return task(id).at("state").as_string() == state; });
  }
  std::size_t tasks() {
    Ran listed = spwctl({"task", "sent"});
    return listed.code == 0 ? json::parse(listed.out).as_array().size() : 0;
  }
  void restart_cloud() {
    rig.bed().kill_cloud();
    CHECK(rig.bed().start_cloud().ok());
    CHECK(eventually(kSoon, [&] { return spwctl({"fleet", "status"}).code == 0; }));
  }
};

TEST(SentToDevices, P6_one_for_a_device_that_is_away_outlives_the_cloud_and_runs_once_it_returns) {
  rig.bed().kill_agent();
  write_text(rig.file("input"), "abc");
  const std::vector<std::string> line = {"hash.sha256", "--input", rig.file("input"), "--key",
                                         "nightly"};
  const std::string id = submit(line);
  restart_cloud();
  STRCMP_EQUAL(id.c_str(), submit(line).c_str());
  CHECK(rig.bed().start_agent().ok());
  CHECK_TEXT(becomes(id, "succeeded"), json::serialize(task(id)).c_str());
  // FIPS 180-2, appendix B.1.
  STRCMP_CONTAINS("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                  task(id).at("result").at("value_text").as_string().c_str());
  CHECK_EQUAL(1, tasks());
}

TEST(SentToDevices, P6_P1_one_that_runs_outlives_a_kill_of_the_device_and_one_of_the_cloud) {
  const std::string id = submit({"spin", "--arg", "iterations=100000000"});
  CHECK_TEXT(becomes(id, "leased"), json::serialize(task(id)).c_str());
  rig.bed().kill_agent();
  CHECK(rig.bed().start_agent().ok());
  CHECK(rig.bed().wait_for_link(kSoon));
  restart_cloud();
  CHECK_TEXT(becomes(id, "succeeded"), json::serialize(task(id)).c_str());
  CHECK_EQUAL(1, tasks());
}

TEST(SentToDevices, one_can_be_cancelled_while_it_runs_and_tried_again) {
  const std::string id = submit({"spin", "--arg", "iterations=1000000000000"});
  CHECK_TEXT(becomes(id, "leased"), json::serialize(task(id)).c_str());
  CHECK_EQUAL(0, spwctl({"task", "cancel", id}).code);
  CHECK(becomes(id, "cancelled"));
  CHECK_EQUAL(0, spwctl({"task", "retry", id}).code);
  CHECK_TEXT(becomes(id, "leased"), json::serialize(task(id)).c_str());
  CHECK_EQUAL(0, spwctl({"task", "cancel", id}).code);
}
