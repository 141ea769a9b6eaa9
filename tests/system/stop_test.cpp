#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/eventually.h"
#include "tests/system/rig.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

namespace {

constexpr std::chrono::seconds kGrace{2};  // of both processes

// The same, by a program that no SIGTERM ends.
constexpr char kProgram[] =
    "\n[[command]]\nname = \"stubborn.program\"\nargv = [\"/bin/sh\", \"-c\", "
    "'trap \"\" TERM; read f; : >\"$f.began\"; until [ -e \"$f\" ]; do sleep 0.05; done; printf "
    "done']"
    "\n";
// And one that ends as soon as it is asked to.
constexpr char kMeek[] =
    "[[command]]\nname = \"meek.program\"\nargv = [\"/bin/sh\", \"-c\", "
    "'read f; : >\"$f.began\"; until [ -e \"$f\" ]; do sleep 0.05; done; printf done']\n";
constexpr char kPlugin[] = "[plugins]\nfiles = [\"" SPILLWAY_STUBBORN_PLUGIN "\"]\n";

// All that a process has started, and what these have.
std::vector<pid_t> descendants(pid_t process) {
  std::vector<pid_t> all;
  std::error_code gone;
  const std::string threads = "/proc/" + std::to_string(process) + "/task";
  for (const auto& thread : std::filesystem::directory_iterator(threads, gone)) {
    std::ifstream children(thread.path() / "children");
    for (pid_t child = 0; children >> child;) {
      all.push_back(child);
      for (pid_t further : descendants(child)) all.push_back(further);
    }
  }
  return all;
}

TestbedOptions with_stubborn_kinds() {
  TestbedOptions options;
  options.workers = 2;
  std::string kinds = kPlugin;
  for (const char* program : {kProgram, kMeek}) kinds += program;
  options.agent_more = options.cloud_more = kinds;
  options.cloud_tags = {"cloud-only"};
  return options;
}

}  // namespace

// What runs does not keep the process from ending, and is run again.
TEST_GROUP(Stop) {
  Rig rig{with_stubborn_kinds()};
  struct Waiting {
    std::string id, file;
  };
  std::vector<Waiting> tasks;

  void setup() override {
    CHECK_TEXT(rig.good(), rig.problem().c_str());
    CHECK(rig.listens());
  }

  // A task of a kind that goes on until it is released; returns once its body has begun.
  void begin(const std::string& kind, std::vector<std::string> more) {
    const std::string file = rig.file(kind), input = file + ".in";
    // A program reads a line, the others their whole input.
    write_text(input, kind.ends_with(".program") ? file + "\n" : file);
    std::vector<std::string> line = {"submit", kind, "--input", input};
    line.insert(line.end(), more.begin(), more.end());
    tasks.push_back({rig.output(line), file});
    CHECK(eventually(kSoon, [&] { return std::filesystem::exists(file + ".began"); }));
  }
  void begin_all(const std::vector<std::string>& more) {
    for (const char* kind : {"stubborn.core", "stubborn.blocking", "stubborn.program"}) {
      begin(kind, more);
    }
  }
  std::chrono::milliseconds time_to_end(Process & process, int signals = 1) {
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 0; i < signals; ++i) {
      process.signal(SIGTERM);
      // Signals that come together may arrive as one.
      if (i + 1 < signals) CHECK(file_says(rig.agent_log(), "draining"));
    }
    const auto exit = process.wait(kSoon);
    CHECK(exit && exit->ok());
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 begun);
  }
  // Each once, and what was interrupted is no crash.
  void all_are_done() {
    CHECK(rig.listens());
    for (const Waiting& task : tasks) write_text(task.file, "");
    for (const Waiting& task : tasks) {
      STRCMP_EQUAL("done", rig.spillway({"wait", task.id, "--timeout", "40s"}).out.c_str());
      const std::string events = rig.spillway({"events", task.id}).out;
      STRCMP_CONTAINS("interrupted", events.c_str());
      CHECK(events.find("crash") == std::string::npos);
    }
  }
};

TEST(Stop, an_agent_is_gone_a_second_after_its_grace_whatever_runs) {
  begin_all({"--prefer", "local"});
  const auto took = time_to_end(rig.bed().agent());
  CHECK(took >= kGrace);
  CHECK(took <= kGrace + 1s);
  CHECK(rig.bed().start_agent().ok());
  all_are_done();
}

TEST(Stop, a_cloud_is_gone_a_second_after_its_grace_whatever_runs) {
  CHECK(rig.bed().wait_for_link(kSoon));
  begin_all({"--tag", "cloud-only"});
  const auto took = time_to_end(rig.bed().cloud());
  CHECK(took >= kGrace);
  CHECK(took <= kGrace + 1s);
  CHECK(rig.bed().start_cloud().ok());
  all_are_done();
}

TEST(Stop, a_second_signal_waits_for_nothing) {
  begin_all({"--prefer", "local"});
  CHECK(time_to_end(rig.bed().agent(), 2) < kGrace);
  CHECK(rig.bed().start_agent().ok());
  all_are_done();
}

// As when a service manager signals them all, one after the other.
TEST(Stop, a_signal_that_reaches_programs_before_their_agent_fails_no_task) {
  begin("meek.program", {"--prefer", "local", "--retry", "1"});
  const auto programs = descendants(rig.bed().agent().pid());
  CHECK(!programs.empty());
  for (pid_t program : programs) ::kill(program, SIGTERM);
  CHECK(eventually(kSoon, [&] { return descendants(rig.bed().agent().pid()).empty(); }));
  CHECK(time_to_end(rig.bed().agent()) < kGrace);
  CHECK(rig.bed().start_agent().ok());
  all_are_done();
}

TEST(Stop, what_heeds_it_is_told_at_once) {
  const std::string id =
      rig.output({"submit", "spin", "--arg", "iterations=1000000000000", "--prefer", "local"});
  CHECK(eventually(kSoon, [&] {
    return rig.spillway({"show", id}).out.find("running") != std::string::npos;
  }));
  CHECK(time_to_end(rig.bed().agent()) < kGrace);
  CHECK(rig.bed().start_agent().ok());
  CHECK(rig.listens());
  STRCMP_CONTAINS("interrupted", rig.spillway({"events", id}).out.c_str());
}
