#include <boost/json.hpp>

#include "tests/support/eventually.h"
#include "tests/system/rig.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
namespace json = boost::json;

namespace {

// The cloud's address must be the same after it was killed.
TestbedOptions same_address() {
  TestbedOptions options;
  options.http_port = free_port();
  options.simulated = true;
  return options;
}

}  // namespace

// Tasks that an operator has a device run, with real processes and a real broker.
TEST_GROUP(Dispatched) {
  Rig rig{same_address()};
  void setup() override {
    CHECK_TEXT(rig.good(), rig.problem().c_str());
    CHECK(rig.bed().wait_for_link(kSoon));
    CHECK(eventually(kSoon, [&] {
      return spwctl({"device", "show", Testbed::kDevice}).code == 0;
    }));
  }
  Ran spwctl(std::vector<std::string> arguments) { return rig.spwctl(std::move(arguments)); }
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
    Ran listed = spwctl({"task", "dispatched"});
    return listed.code == 0 ? json::parse(listed.out).as_array().size() : 0;
  }
  void restart_cloud() {
    rig.bed().kill_cloud();
    CHECK(rig.bed().start_cloud().ok());
    CHECK(eventually(kSoon, [&] { return spwctl({"fleet", "status"}).code == 0; }));
  }
};

TEST(Dispatched, P6_one_for_a_device_that_is_away_outlives_the_cloud_and_runs_once_it_returns) {
  rig.bed().kill_agent();
  write_text(rig.file("input"), "abc");
  const std::vector<std::string> line = {"hash.sha256", "--input", rig.file("input"), "--key",
                                         "nightly"};
  const std::string id = submit(line);
  restart_cloud();
  STRCMP_EQUAL(id.c_str(), submit(line).c_str());
  std::vector<std::string> others = {"task", "submit", "-q", "nobody"};
  others.insert(others.end(), line.begin(), line.end());
  CHECK_EQUAL(5, spwctl(others).code);
  const Ran why = spwctl({"task", "why", id});
  CHECK_TEXT(why.code == 0, why.err.c_str());
  STRCMP_CONTAINS("the device is not connected", why.out.c_str());
  CHECK(rig.bed().start_agent().ok());
  CHECK_TEXT(becomes(id, "succeeded"), json::serialize(task(id)).c_str());
  // FIPS 180-2, appendix B.1.
  STRCMP_CONTAINS("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                  task(id).at("result").at("value_text").as_string().c_str());
  const Ran path = spwctl({"task", "trace", id});
  CHECK_TEXT(path.code == 0, path.err.c_str());
  STRCMP_CONTAINS(R"("name":"run","lane":"edge")", path.out.c_str());
  CHECK_EQUAL(1, tasks());
}

TEST(Dispatched, P6_P1_one_that_runs_outlives_a_kill_of_the_device_and_one_of_the_cloud) {
  const std::string id = submit({"spin", "--arg", "iterations=100000000"});
  CHECK_TEXT(becomes(id, "leased"), json::serialize(task(id)).c_str());
  rig.bed().kill_agent();
  CHECK(rig.bed().start_agent().ok());
  CHECK(rig.bed().wait_for_link(kSoon));
  restart_cloud();
  CHECK_TEXT(becomes(id, "succeeded"), json::serialize(task(id)).c_str());
  CHECK_EQUAL(1, tasks());
}

TEST(Dispatched, one_can_be_cancelled_while_it_runs_and_tried_again) {
  const std::string id = submit({"spin", "--arg", "iterations=1000000000000"});
  CHECK_TEXT(becomes(id, "leased"), json::serialize(task(id)).c_str());
  CHECK_EQUAL(0, spwctl({"task", "cancel", id}).code);
  CHECK(becomes(id, "cancelled"));
  CHECK_EQUAL(0, spwctl({"task", "retry", id}).code);
  CHECK_TEXT(becomes(id, "leased"), json::serialize(task(id)).c_str());
  CHECK_EQUAL(0, spwctl({"task", "cancel", id}).code);
}

TEST(Dispatched, the_device_lists_and_shows_what_it_was_sent_and_tells_and_does_what_it_is_asked) {
  CHECK_EQUAL(0, spwctl({"device", "drain", Testbed::kDevice}).code);
  CHECK(eventually(kSoon, [&] {
    return json::parse(rig.output({"status", "--json"})).at("draining").as_bool();
  }));
  CHECK_EQUAL(0, spwctl({"device", "resume", Testbed::kDevice}).code);
  const std::string id = submit({"spin", "--arg", "iterations=1000000000000"});
  CHECK_TEXT(becomes(id, "running"), json::serialize(task(id)).c_str());
  const Ran listed = rig.spillway({"ls", "--json"});
  CHECK_TEXT(listed.code == 0, listed.err.c_str());
  STRCMP_CONTAINS(id.c_str(), listed.out.c_str());
  STRCMP_CONTAINS(R"("owner":"cloud")", listed.out.c_str());
  const Ran shown = rig.spillway({"show", id});
  CHECK_EQUAL(0, shown.code);
  STRCMP_CONTAINS("dispatched to this device", shown.out.c_str());
  CHECK_EQUAL(3, rig.spillway({"show", "00000000000000ab-1"}).code);
  const Ran logs = spwctl({"device", "logs", Testbed::kDevice, "--limit", "50"});
  CHECK_TEXT(logs.code == 0, logs.err.c_str());
  STRCMP_CONTAINS("an operator of the cloud asked to drain", logs.out.c_str());
  CHECK_EQUAL(0, spwctl({"task", "cancel", id}).code);
  rig.bed().kill_agent();
  CHECK(eventually(kSoon, [&] { return spwctl({"device", "logs", Testbed::kDevice}).code == 6; }));
}

TEST(Dispatched,
     a_group_over_a_thousand_simulated_devices_completes_through_a_restart_of_the_broker) {
  if (!rig.bed().broker().knows_certificates()) {
    UT_PRINT(
        "skipped: the simulator speaks for all devices with a certificate; ejabberd has accounts");
    return;
  }
  auto fleet = rig.bed().pki().device("fleetsim");
  CHECK(fleet.ok());
  auto simulated = Process::start(
      {.argv = {binary("spillway-fleetsim"), "--broker", rig.bed().broker().simulator_uri(), "--ca",
                fleet->ca, "--cert", fleet->certificate, "--key", fleet->key, "-n", "1000",
                "--outages", "0", "--restarts", "60", "--run-seconds", "0.5"},
       .errors = rig.file("fleetsim.log")});
  CHECK(simulated.ok());
  const auto known = [&] {
    const Ran fleet_now = spwctl({"fleet", "status"});
    return fleet_now.code == 0 ? json::parse(fleet_now.out).at("devices").as_int64() : 0;
  };
  CHECK_TEXT(eventually(3 * kSoon, [&] { return known() == 1001; }),
             read_text(rig.file("fleetsim.log")).c_str());
  const Ran sent = spwctl({"task", "submit", "echo", "-q", "sim-", "--deadline", "600"});
  CHECK_TEXT(sent.code == 0, sent.err.c_str());
  if (sent.code != 0) return;
  const std::string group(json::parse(sent.out).at("group").as_string());
  std::string states;
  const auto succeeded = [&] {
    states = spwctl({"task", "group", group}).out;
    return json::parse(states).at("states").at("succeeded").as_int64();
  };
  CHECK(eventually(4 * kSoon, [&] { return succeeded() > 0; }));
  rig.bed().broker().stop();
  CHECK(rig.bed().broker().start_again().ok());
  const bool done = eventually(4 * kSoon, [&] { return succeeded() == 1000; });
  const std::string log = read_text(rig.file("fleetsim.log"));
  CHECK_TEXT(done,
             (states + log.substr(log.size() - std::min<std::size_t>(log.size(), 1000))).c_str());
}
