#include <csignal>
#include <deque>
#include <filesystem>
#include <thread>

#include <boost/json.hpp>

#include "tests/support/eventually.h"
#include "tests/system/rig.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
namespace json = boost::json;
namespace fs = std::filesystem;

namespace {

TestbedOptions both_ways() {
  TestbedOptions options;
  options.cloud_tags = {"cloud-only"};
  options.http_port = free_port();  // the same after a restart
  return options;
}

}  // namespace

// What becomes of a node whose state is put back, made anew, or used twice, with real processes, a
// real broker and files that are really copied.
TEST_GROUP(Restored) {
  Rig rig{both_ways()};
  std::deque<Process> twins;

  void setup() override {
    CHECK_TEXT(rig.good(), rig.problem().c_str());
    CHECK(rig.bed().wait_for_link(kSoon));
    CHECK(eventually(kSoon, [&] {
      return rig.spwctl({"device", "show", Testbed::kDevice}).code == 0;
    }));
  }
  void stop(Process & process) {
    process.signal(SIGTERM);
    const auto exit = process.wait(kSoon);
    CHECK(exit && exit->ok());
  }
  void start_agent() {
    CHECK(rig.bed().start_agent().ok());
    CHECK(rig.bed().wait_for_link(kSoon));
  }
  void start_cloud() {
    CHECK(rig.bed().start_cloud().ok());
    CHECK(eventually(kSoon, [&] { return rig.spwctl({"fleet", "status"}).code == 0; }));
    CHECK(rig.bed().wait_for_link(kSoon));
  }
  void copy(const std::string& from, const std::string& to) {
    fs::remove_all(rig.file(to));
    fs::copy(rig.file(from), rig.file(to), fs::copy_options::recursive);
  }
  // The device has the cloud run what gives back `value`.
  std::string submit(const std::string& value) {
    write_text(rig.file("input"), value);
    return rig.output({"submit", "echo", "--input", rig.file("input"), "--tag", "cloud-only"});
  }
  void check(const std::string& id, const std::string& value) {
    const Ran ran = rig.spillway({"wait", id, "--timeout", "40s"});
    STRCMP_EQUAL_TEXT(value.c_str(), ran.out.c_str(), rig.spillway({"why", id}).out.c_str());
  }
  void run_in_cloud(const std::string& first, const std::string& second) {
    const std::string one = submit(first), other = submit(second);
    check(one, first);
    check(other, second);
  }
  // The cloud has the device run it.
  std::string send(const std::string& value) {
    write_text(rig.file("input"), value);
    const Ran ran =
        rig.spwctl({"task", "submit", "echo", "--input", rig.file("input"), Testbed::kDevice});
    CHECK_TEXT(ran.code == 0, ran.err.c_str());
    return ran.code == 0 ? std::string(json::parse(ran.out).at("first_task").as_string()) : "";
  }
  void run_on_device(const std::string& first, const std::string& second) {
    const std::pair<std::string, std::string> sent[] = {{send(first), first},
                                                        {send(second), second}};
    for (const auto& [id, value] : sent) {
      json::value task;
      const bool done = eventually(kSoon, [&, id = id] {
        const Ran shown = rig.spwctl({"task", "show", id});
        task = shown.code == 0 ? json::parse(shown.out) : json::value{{"state", shown.err}};
        return task.at("state").as_string() == "succeeded";
      });
      CHECK_TEXT(done, json::serialize(task).c_str());
      if (done) STRCMP_EQUAL(value.c_str(), task.at("result").at("value_text").as_string().c_str());
    }
  }
  json::value device() {
    const Ran shown = rig.spwctl({"device", "show", Testbed::kDevice});
    return shown.code == 0 ? json::parse(shown.out) : json::value{{"error", shown.err}};
  }
  // Starts a second agent with the same certificate, and a state of that name.
  void start_twin(const std::string& name) {
    std::string config = read_text(rig.bed().agent_config());
    const auto replace = [&config](const std::string& what, const std::string& by) {
      config.replace(config.find(what), what.size(), by);
    };
    replace(rig.file("agent") + "\"", rig.file(name) + "\"");
    replace(rig.bed().socket(), rig.file(name + ".sock"));
    write_text(rig.file(name + ".toml"), config);
    auto started =
        Process::start({.argv = {binary("spillway-agent"), "--config", rig.file(name + ".toml")},
                        .output = rig.file(name + ".log"),
                        .errors = rig.file(name + ".log")});
    CHECK(started.ok());
    if (started) twins.push_back(*std::move(started));
  }
  bool cloned_is_told() {
    return eventually(
               60s,
               [&] {
                 return rig.spwctl({"alert", "list"}).out.find("\"cloned\"") != std::string::npos;
               }) &&
           file_says(rig.cloud_log(), "cloned identity");
  }
  bool fleet_says(const std::string& reason, std::chrono::seconds within = kSoon) {
    return eventually(within,
                      [&] { return json::serialize(device()).find(reason) != std::string::npos; });
  }
  bool doctor_says(const std::string& text) {
    return eventually(kSoon,
                      [&] { return rig.spillway({"doctor"}).out.find(text) != std::string::npos; });
  }
};

TEST(Restored, P1_P6_a_device_that_an_earlier_copy_was_put_back_on_goes_on_and_both_sides_say_so) {
  run_in_cloud("one", "two");
  stop(rig.bed().agent());
  copy("agent", "backup");
  start_agent();
  run_in_cloud("three", "four");
  stop(rig.bed().agent());
  copy("backup", "agent");
  start_agent();
  run_in_cloud("five", "six");
  run_on_device("seven", "eight");
  CHECK(doctor_says("restored from an earlier copy"));
  CHECK(fleet_says("\"restored\""));
  CHECK(file_says(rig.agent_log(), "restored from an earlier copy"));
  CHECK(file_says(rig.cloud_log(), "restored from an earlier copy"));
}

TEST(Restored, P1_P6_a_cloud_that_an_earlier_copy_was_put_back_on_goes_on_and_both_sides_say_so) {
  (void)rig.admin_token();
  run_on_device("one", "two");
  stop(rig.bed().cloud());
  copy("cloud", "backup");
  start_cloud();
  run_on_device("three", "four");
  run_in_cloud("five", "six");
  stop(rig.bed().cloud());
  copy("backup", "cloud");
  start_cloud();
  run_on_device("seven", "eight");
  const std::string nine = submit("nine"), sent = send("eleven");
  check(nine, "nine");
  check(submit("ten"), "ten");
  CHECK(eventually(kSoon, [&] {
    return file_says(rig.cloud_log(), "this cloud's state was restored from an earlier copy");
  }));
  CHECK(file_says(rig.agent_log(), "the cloud's state was put back to an earlier copy"));
  CHECK(doctor_says("the cloud's state was put back to an earlier copy"));
  STRCMP_CONTAINS("the cloud's state was put back", rig.spillway({"why", nine}).out.c_str());
  STRCMP_CONTAINS("restored from an earlier copy", rig.spwctl({"doctor"}).out.c_str());
  STRCMP_CONTAINS("cloud's state is not the newest", rig.spwctl({"task", "why", sent}).err.c_str());
  CHECK(json::parse(rig.spwctl({"fleet", "status"}).out).at("cloud_restored").is_string());
}

TEST(Restored, P1_P6_a_cloud_whose_ledger_is_damaged_goes_on_with_a_new_one_and_doctor_says_so) {
  run_in_cloud("one", "two");
  stop(rig.bed().cloud());
  write_text(rig.file("cloud/ledger.db"), std::string(8192, '#'));
  start_cloud();
  run_in_cloud("three", "four");
  run_on_device("five", "six");
  CHECK(rig.spwctl({"doctor"}).out.find("a new one began: ledger.db.damaged-") !=
        std::string::npos);
  CHECK(file_says(rig.cloud_log(), "the ledger was damaged"));
}

TEST(Restored, a_device_whose_state_was_made_anew_is_there_and_both_sides_say_so) {
  run_in_cloud("one", "two");
  stop(rig.bed().agent());
  fs::remove_all(rig.file("agent"));
  start_agent();
  run_in_cloud("three", "four");
  run_on_device("five", "six");
  CHECK(doctor_says("made anew"));
  CHECK(fleet_says("\"restored\""));
  CHECK(device().at("online").as_bool());
  CHECK(json::serialize(device()).find("sleeping") == std::string::npos);
}

TEST(Restored, two_devices_with_one_identity_are_named_within_a_minute_in_alert_doctor_and_logs) {
  run_in_cloud("one", "two");
  stop(rig.bed().agent());
  copy("agent", "twin");
  CHECK(rig.bed().start_agent().ok());
  start_twin("twin");
  CHECK(cloned_is_told());
  CHECK(eventually(kSoon, [&] {
    return file_says(rig.agent_log(), "another device speaks as") ||
           file_says(rig.file("twin.log"), "another device speaks as");
  }));
  CHECK(doctor_says("another device speaks as"));
  // The one that is left gets its work done.
  twins.front().kill();
  run_in_cloud("three", "four");
  CHECK(eventually(kSoon, [&] {
    return rig.spwctl({"device", "list", "--online"}).out.find(Testbed::kDevice) !=
           std::string::npos;
  }));
}

TEST(Restored, a_wipe_of_one_of_two_devices_with_one_identity_stays_said_while_they_go_on) {
  stop(rig.bed().agent());
  copy("agent", "twin");
  CHECK(rig.bed().start_agent().ok());
  start_twin("twin");
  CHECK(cloned_is_told());
  rig.bed().agent().kill();
  fs::remove_all(rig.file("agent"));
  CHECK(rig.bed().start_agent().ok());
  CHECK(doctor_says("made anew"));
  // Some turns of the two.
  for (int second = 0; second < 12; ++second) {
    const std::string said = rig.spillway({"doctor"}).out;
    CHECK_TEXT(said.find("made anew") != std::string::npos, said.c_str());
    CHECK_TEXT(said.find("another device speaks as") != std::string::npos, said.c_str());
    CHECK(fleet_says("\"restored\"", 0s));
    std::this_thread::sleep_for(1s);
  }
  CHECK(rig.spwctl({"doctor"}).out.find("WRONG no device went back") != std::string::npos);
}

// Each with a store of its own, as devices have that an image was written to.
TEST(Restored, three_devices_of_one_image_are_named_so_within_a_minute_and_not_as_made_anew) {
  start_twin("twin");
  start_twin("third");
  CHECK(cloned_is_told());
  CHECK(doctor_says("another device speaks as"));
  CHECK_FALSE(fleet_says("\"restored\"", 0s));
  // No more of them than there are that had not been heard of.
  const std::string log = read_text(rig.cloud_log());
  std::size_t anew = 0;
  for (std::size_t at = 0; (at = log.find("made anew", at)) != std::string::npos; ++at) anew += 1;
  CHECK(anew <= 2);
}
