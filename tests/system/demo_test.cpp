#include <cstdlib>
#include <string>

#include "tests/system/rig.h"

#include <CppUTest/TestHarness.h>

using namespace spillway::test;

namespace {

// A number of the summary; -1 when it is not there.
double number(const std::string& json, const std::string& name) {
  const auto at = json.find("\"" + name + "\":");
  return at == std::string::npos ? -1 : std::strtod(json.c_str() + at + name.size() + 3, nullptr);
}

}  // namespace

TEST_GROUP(Demo){};

TEST(Demo, P1_P6_nothing_is_lost_or_doubled_when_agent_cloud_and_broker_are_killed) {
  const Ran ran =
      run_program({binary("spillway-demo"), "--tasks", "300", "--kill", "--cut", "2", "--json"},
                  "/dev/null", 150s);
  if (ran.code != 0) FAIL((ran.out + ran.err).c_str());
  DOUBLES_EQUAL(300, number(ran.out, "accepted"), 0);
  for (const char* zero : {"lost", "doubled", "mismatched", "failed"}) {
    DOUBLES_EQUAL(0, number(ran.out, zero), 0);
  }
  CHECK(number(ran.out, "local") > 0);
  CHECK(number(ran.out, "cloud") > 0);
  CHECK(number(ran.out, "cut_s") >= 2);
}

TEST(Demo, a_recording_without_rows_or_cut_short_is_refused_by_its_name) {
  const TempDir directory("spillway-demo-input");
  for (const char* text : {"", "time,value\n", "time,value\n1,\"2"}) {
    const std::string path = directory.file("pump.csv");
    write_text(path, text);
    const Ran ran = run_program({binary("spillway-demo"), "--input", path}, "/dev/null", 20s);
    CHECK_EQUAL(1, ran.code);
    STRCMP_CONTAINS(path.c_str(), ran.err.c_str());
  }
}
