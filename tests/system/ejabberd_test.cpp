#include <boost/json.hpp>

#include "tests/support/eventually.h"
#include "tests/system/rig.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
namespace json = boost::json;

namespace {

// ejabberd is slow to start where much else runs.
constexpr std::chrono::seconds kBrokerSoon{150};

TestbedOptions over_ejabberd() {
  TestbedOptions options;
  options.ejabberd = true;
  return options;
}

}  // namespace

// Agent and cloud over a broker of another make, with accounts and passwords.
TEST_GROUP(Ejabberd) {
  Rig rig{over_ejabberd()};

  void setup() override {
    CHECK_TEXT(rig.good(), rig.problem().c_str());
    CHECK(rig.bed().wait_for_link(kBrokerSoon));
  }
  // What the fleet knows of the device.
  std::string device(const char* field) {
    const Ran shown = rig.spwctl({"device", "show", Testbed::kDevice});
    if (shown.code != 0) return "";
    const json::value value = json::parse(shown.out);
    return json::serialize(value.at(field));
  }
  bool comes_to(const char* field, const std::string& value) {
    return eventually(kBrokerSoon, [&] { return device(field) == value; });
  }
  std::int64_t done_in_the_cloud() {
    const Ran shown = rig.spwctl({"cloud", "show"});
    return shown.code == 0
               ? json::parse(shown.out).at("counters").at("done").to_number<std::int64_t>()
               : -1;
  }
  void runs_in_the_cloud() {
    const std::int64_t before = done_in_the_cloud();
    CHECK(before >= 0);
    const std::string input = rig.file("input");
    write_text(input, "over there");
    CHECK_EQUAL(0, rig.spillway({"submit", "echo", "--prefer", "cloud", "--wait"}, input).code);
    CHECK(eventually(kSoon, [&] { return done_in_the_cloud() > before; }));
  }
};

TEST(Ejabberd, tasks_presence_wills_and_telemetry_pass_and_the_broker_may_restart) {
  runs_in_the_cloud();
  CHECK(comes_to("online", "true"));
  CHECK(comes_to("health", "\"operational\""));  // which takes telemetry
  rig.bed().broker().kill();
  CHECK(rig.bed().broker().start_again().ok());
  CHECK(rig.bed().wait_for_link(kBrokerSoon));
  runs_in_the_cloud();
  rig.bed().kill_agent();
  CHECK(comes_to("online", "false"));
  CHECK(rig.bed().start_agent().ok());
  CHECK(comes_to("online", "true"));
  rig.bed().kill_agent();
  const Ran doctor = rig.spillway({"doctor", "--broker", "--config", rig.bed().agent_config()});
  STRCMP_CONTAINS("it refused to let this device speak for another device", doctor.out.c_str());
  STRCMP_CONTAINS("it takes a client under any id", doctor.out.c_str());
}
