#include <string>
#include <vector>

#include "tests/support/eventually.h"
#include "tests/system/rig.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

TEST_GROUP(CommandLine){void check(int code, const Ran& ran){if (ran.code != code){FAIL(
    (std::to_string(ran.code) + " instead of " + std::to_string(code) + ": " + ran.out + ran.err)
        .c_str());
}
}
}
;

TEST(CommandLine, does_everything_end_to_end_with_the_promised_exit_codes) {
  Rig rig;
  if (!rig.good()) FAIL(rig.problem().c_str());
  CHECK(rig.listens());
  write_text(rig.file("hello"), "hello");
  const Ran value = rig.spillway({"submit", "echo", "--input", rig.file("hello"), "--wait"});
  check(0, value);
  STRCMP_EQUAL("hello", value.out.substr(0, 5).c_str());

  const std::string done = rig.output({"submit", "echo", "-i", rig.file("hello"), "--key", "k"});
  STRCMP_EQUAL(done.c_str(),
               rig.output({"submit", "echo", "-i", rig.file("hello"), "--key", "k"}).c_str());
  check(5, rig.spillway({"submit", "echo", "--key", "k"}));
  check(0, rig.spillway({"wait", done}));
  check(0, rig.spillway({"show", done}));
  check(0, rig.spillway({"why", done}));
  check(0, rig.spillway({"events", done}));
  check(5, rig.spillway({"cancel", done}));
  check(5, rig.spillway({"retry", done}));

  const std::string later = rig.output({"submit", "echo", "--not-before", "1h"});
  check(6, rig.spillway({"wait", later, "--timeout", "100ms"}));
  CHECK(rig.output({"why", later}).find("not_before") != std::string::npos);
  check(0, rig.spillway({"hold", later}));
  check(0, rig.spillway({"release", later}));
  check(0, rig.spillway({"cancel", later}));
  check(0, rig.spillway({"retry", later}));
  check(6, rig.spillway({"wait", later, "--timeout", "100ms"}));
  CHECK(rig.output({"why", later}).find("not_before") != std::string::npos);
  const std::string soon = rig.output({"submit", "echo", "--not-before", "2s"});
  check(0, rig.spillway({"cancel", soon}));
  check(0, rig.spillway({"retry", soon}));
  check(0, rig.spillway({"wait", soon}));
  const std::string trace = rig.output({"trace"});
  CHECK(trace.starts_with("{\"displayTimeUnit\""));
  CHECK(trace.find("\"name\":\"normal\"") != std::string::npos);

  check(3, rig.spillway({"show", "999999"}));
  check(3, rig.spillway({"why", "999999"}));
  check(2, rig.spillway({"submit"}));
  check(2, rig.spillway({"no-such-command"}));
  CHECK(rig.output({"ls", "--json"}).front() == '[');
  check(0, rig.spillway({"version"}));
}

TEST(CommandLine, drains_and_shows_the_places_and_doctor_finds_them_well) {
  Rig rig;
  if (!rig.good()) FAIL(rig.problem().c_str());
  CHECK(rig.bed().wait_for_link(kSoon));
  const std::string places = rig.output({"places"});
  CHECK(places.find("cloud") != std::string::npos);
  CHECK(places.find("connected") != std::string::npos);
  check(0, rig.spillway({"status", "--json"}));
  check(0, rig.spillway({"drain"}));
  const Ran refused = rig.spillway({"submit", "echo"});
  CHECK(refused.code != 0);
  CHECK(refused.says("draining"));
  check(0, rig.spillway({"drain", "--off"}));
  check(0, rig.spillway({"submit", "echo", "--wait"}));
  const Ran doctor = rig.spillway({"doctor", "--config", rig.bed().agent_config()});
  check(0, doctor);
  STRCMP_CONTAINS("it refused to let this client speak for another", doctor.out.c_str());
  // The agent's connection is not given up for an answer.
  const auto taken_over = [&] {
    const std::string log = read_text(rig.agent_log());
    return log.find("the link went down") != log.npos ||
           log.find("no connection to the broker") != log.npos;
  };
  const std::vector<std::string> ask = {"doctor", "--broker", "--config", rig.bed().agent_config()};
  const Ran meanwhile = rig.spillway(ask);
  check(0, meanwhile);
  STRCMP_CONTAINS("whether it binds client ids is not tried", meanwhile.out.c_str());
  check(0, rig.spillway({"submit", "echo", "--prefer", "cloud", "--wait"}));
  CHECK_FALSE(taken_over());
  rig.bed().kill_agent();
  const Ran broker = rig.spillway(ask);
  STRCMP_CONTAINS(rig.bed().broker().knows_certificates()
                      ? "it gives a client the id of its certificate"
                      : "it takes a client under any id",
                  broker.out.c_str());
  STRCMP_CONTAINS("it refused to let this device speak for the cloud", broker.out.c_str());
  STRCMP_CONTAINS("it refused to let this client speak for another",
                  rig.spwctl({"doctor"}).out.c_str());
}

TEST(CommandLine, says_that_no_agent_runs) {
  const TempDir dir("spillway-none");
  const Ran ran = run_program({binary("spillway"), "ls", "--socket", dir.file("nobody")});
  check(6, ran);
  CHECK_EQUAL(1, ran.lines_of_errors());
}
