#include <csignal>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "tests/system/rig.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

namespace {

TestbedOptions with_a_task_left_over() {
  TestbedOptions options;
  options.cloud_tags = {"cloud-only"};
  options.agent_more = "[plugins]\nfiles = [\"" SPILLWAY_STUBBORN_PLUGIN "\"]\n";
  return options;
}

// The version that the header of an SQLite file names; 0: there is none.
unsigned schema_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  unsigned char bytes[2] = {};
  file.seekg(62);
  file.read(reinterpret_cast<char*>(bytes), sizeof bytes);
  return file ? bytes[0] * 256U + bytes[1] : 0;
}

}  // namespace

// An update to a version whose stores have gone on, and back: the programs of this version are the
// older ones.
TEST_GROUP(Upgrade) {
  Rig rig{with_a_task_left_over()};
  std::optional<Process> agent, cloud;
  std::vector<std::string> left, done;

  void setup() override {
    CHECK_TEXT(rig.good(), rig.problem().c_str());
    CHECK_TEXT(rig.listens(), read_text(rig.agent_log()).c_str());
    CHECK(rig.bed().wait_for_link(kSoon));
    stop(rig.bed().agent());
    stop(rig.bed().cloud());
  }
  void stop(Process & process) {
    process.signal(SIGTERM);
    const auto exit = process.wait(kSoon);
    CHECK_TEXT(exit && exit->ok(),
               (read_text(rig.agent_log()) + read_text(rig.cloud_log())).c_str());
  }
  std::optional<Process> start(const std::string& name, const std::string& config) {
    const std::string log = rig.file("upgrade.log");
    auto process =
        Process::start({.argv = {binary(name), "--config", config}, .output = log, .errors = log});
    CHECK(process.ok());
    return *std::move(process);
  }
  void run(const std::string& version) {
    cloud = start("spillway-cloud" + version, rig.bed().cloud_config());
    agent = start("spillway-agent" + version, rig.bed().agent_config());
    CHECK(rig.listens());
    CHECK(rig.bed().wait_for_link(kSoon));
  }
  void end() {
    stop(*agent);
    stop(*cloud);
  }
  void kill() {
    agent->kill();
    cloud->kill();
  }
  // One task that is left over, one that ends here and one that ends in the cloud.
  void accept(const std::string& value) {
    const std::string input = rig.file("input");
    write_text(input, value);
    const std::string name = rig.file(value + ".name");
    write_text(name, rig.file(value));
    left.push_back(
        rig.output({"submit", "stubborn.blocking", "--input", name, "--prefer", "local"}));
    done.push_back(rig.output({"submit", "echo", "--input", input, "--prefer", "local"}));
    done.push_back(rig.output({"submit", "echo", "--input", input, "--tag", "cloud-only"}));
    for (const std::string& id : {done.end()[-2], done.back()}) check(id, value);
  }
  void check(const std::string& id, const std::string& value) {
    STRCMP_EQUAL(value.c_str(), rig.spillway({"wait", id, "--timeout", "40s"}).out.c_str());
  }
  void finish_left(std::size_t at, const std::string& value) {
    write_text(rig.file(value), "");
    check(left[at], "done");
  }
};

TEST(Upgrade, P9_every_task_survives_to_a_version_with_a_later_schema_and_back_and_there_again) {
  run("");
  accept("older");
  end();
  run("-next");
  accept("newer");
  finish_left(0, "older");
  kill();
  run("");
  finish_left(1, "newer");
  accept("again");
  kill();
  run("-next");
  finish_left(2, "again");
  const char* values[] = {"older", "newer", "again"};
  for (std::size_t i = 0; i < done.size(); ++i) check(done[i], values[i / 2]);
  const std::string losses = rig.spillway({"doctor"}).out;
  CHECK(losses.find("damaged") == std::string::npos);
  end();
  CHECK(read_text(rig.file("upgrade.log")).find("damaged") == std::string::npos);
  for (const char* store : {"agent/agent.db", "agent/leased.db", "cloud/ledger.db", "cloud/sent.db",
                            "cloud/fleet.db"}) {
    LONGS_EQUAL(9001, schema_of(rig.file(store)));
  }
}
