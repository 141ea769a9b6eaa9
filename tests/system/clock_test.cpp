#include <filesystem>
#include <string>

#include "tests/support/eventually.h"
#include "tests/system/rig.h"

#include <CppUTest/TestHarness.h>

// ThreadSanitizer and a library that stands before the system's clock do not go together.
#if !defined(__SANITIZE_THREAD__)

using namespace spillway;
using namespace spillway::test;

namespace {

// libfaketime, which shows a program another wall clock; boot time stays as it is.
std::string library() {
  for (const auto& folder : std::filesystem::directory_iterator("/usr/lib")) {
    const auto found = folder.path() / "faketime" / "libfaketimeMT.so.1";
    if (std::filesystem::exists(found)) return found;
  }
  return "";
}

}  // namespace

TEST_GROUP(WrongClock) {
  Rig rig;
  std::string clock_file = rig.file("clock");

  Process start_agent_at(const std::string& time) {
    write_text(clock_file, time);
    Command command;
    command.argv = {binary("spillway-agent"), "--config", rig.bed().agent_config()};
    command.env = {{"LD_PRELOAD", library()},
                   {"FAKETIME_TIMESTAMP_FILE", clock_file},
                   {"FAKETIME_NO_CACHE", "1"},
                   {"FAKETIME_DONT_FAKE_MONOTONIC", "1"},
                   {"ASAN_OPTIONS", "verify_asan_link_order=0"}};
    command.errors = rig.file("clockless.log");
    auto process = Process::start(command);
    CHECK(process.ok());
    return *std::move(process);
  }
  bool says(const std::string& text) { return file_says(rig.file("clockless.log"), text); }
};

TEST(WrongClock, P13_an_agent_in_1970_works_and_connects_once_its_clock_is_set) {
  if (!rig.good()) FAIL(rig.problem().c_str());
  CHECK_FALSE(library().empty());
  rig.bed().kill_agent();
  Process agent = start_agent_at("@1970-01-01 00:00:10");
  CHECK(rig.listens());
  CHECK(says("the wall clock is not set: it says 1970-01-01"));
  CHECK(says("before the certificate of"));
  const Ran ran = rig.spillway({"submit", "echo", "--wait"}, "/dev/null");
  LONGS_EQUAL(0, ran.code);
  STRCMP_CONTAINS("not set", rig.spillway({"status"}).out.c_str());

  write_text(clock_file, "+0");
  CHECK(rig.bed().wait_for_link(kSoon));
  CHECK(says("the wall clock is set"));
  CHECK(agent.running());
  // Backwards again: the connection and what runs are not touched.
  write_text(clock_file, "-400d");
  LONGS_EQUAL(0, rig.spillway({"submit", "echo", "--wait"}, "/dev/null").code);
  CHECK(says("the wall clock was set by -"));
  CHECK(rig.bed().wait_for_link(kSoon));
}

#endif
