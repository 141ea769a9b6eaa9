#include <string>

#include "tests/unit/agent_node/agent_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using wire::TaskOp;

// What `why` says a task waits for. The only core is busy, and the cloud has no room.
TEST_GROUP(Why) {
  AgentWorld world{1, true};
  std::uint64_t busy = 0;

  void setup() override {
    world.boot();
    world.cloud_up(0);
    busy = world.add(wish(Prefer::local));
    CHECK(world.runs(busy));
  }
  void teardown() override { CHECK_EQUAL(0, world.agent.disk.broken.size()); }

  static TaskSpec wish(Prefer prefer) {
    TaskSpec spec = echo();
    spec.prefer = prefer;
    spec.on_disconnect = OnDisconnect::wait;
    return spec;
  }
  WhyReport why(std::uint64_t seq) {
    const auto asked = world.ask(wire::WhyRequest{seq});
    world.settle();
    CHECK(asked->got<WhyReport>());
    return *asked->got<WhyReport>();
  }
  // What ends its waiting; `timed`: whether it is known when.
  void check_next(const char* what, std::uint64_t seq, bool timed = false) {
    const WhyReport report = why(seq);
    STRCMP_EQUAL(what, report.next.c_str());
    CHECK_EQUAL(timed, report.next_in.has_value());
  }
};

TEST(Why, a_ready_task_waits_for_room_at_the_places_that_it_may_go_to) {
  TaskSpec either = wish(Prefer::automatic);
  either.on_disconnect = OnDisconnect::run_local;
  const std::uint64_t any = world.add(either);
  const std::uint64_t here = world.add(wish(Prefer::local));
  const std::uint64_t there = world.add(wish(Prefer::cloud));
  check_next("a free core or a place in the uplink window", any);
  check_next("a free core", here);
  check_next("a place in the uplink window", there);
  // Barred, it is asked again at a time that is known, for what has no other place.
  world.say(wire::StandingNotice{wire::Standing::quarantined, 60s});
  check_next("a free core", any);
  check_next("the cloud, which is asked again", there, true);
  world.say(wire::StandingNotice{wire::Standing::welcome, 60s});
  check_next("a place in the uplink window", there);
  // And one that is away is back at a time that nobody knows.
  wire::Presence gone;
  gone.session = 5;
  gone.boot = BootId{77};
  world.cloud.publish(std::string(wire::kCloudState), wire::encode(gone), true);
  world.settle();
  check_next("a free core", any);
  check_next("a free core", here);
  check_next("the cloud, once it is there", there);
}

TEST(Why, a_ready_task_waits_for_a_drained_agent_and_for_a_store_that_cannot_write) {
  const std::uint64_t seq = world.add(wish(Prefer::local));
  world.agent.node().drain([] {});
  world.succeed(busy);
  STRCMP_EQUAL("the agent is drained and starts nothing", why(seq).dominant.c_str());
  check_next("spillway drain --off", seq);
  world.agent.node().resume();
  world.settle();
  CHECK(world.runs(seq));
  TaskSpec timed = wish(Prefer::local);
  timed.run_timeout = 1h;  // and thus not claimed ahead of a core
  const std::uint64_t next = world.add(timed);
  world.agent.store().fail_commits(fail(Code::io, "the disk is full"));
  world.op(TaskOp::hold, world.add(echo()));
  STRCMP_CONTAINS("the disk is full", why(next).dominant.c_str());
  check_next("the store writing again", next);
}

TEST(Why, a_waiting_task_says_what_keeps_it_and_what_ends_that) {
  const auto says = [this](std::uint64_t seq, const char* reason, const char* next, bool timed) {
    STRCMP_EQUAL(reason, why(seq).dominant.c_str());
    check_next(next, seq, timed);
  };
  TaskSpec spec = echo();
  spec.after = {world.id(busy)};
  says(world.add(spec), "it comes after 1 unfinished task(s)", "the last of them succeeding",
       false);
  spec = echo();
  spec.not_before = 1h;
  const std::uint64_t later = world.add(spec);
  says(later, "its not_before lies ahead", "time", true);
  CHECK(world.op(TaskOp::hold, later)->got<wire::Done>() != nullptr);
  says(later, "somebody holds it", "spillway release", false);
  spec = echo();
  spec.needs.tags = {"gpu"};
  const std::uint64_t nowhere = world.add(spec);
  world.agent.runner().fail(busy, fail(Code::io, "the sensor is busy"));
  world.settle();
  says(busy, "its last attempt did not succeed; it is tried again", "time", true);
  says(nowhere, "no place can run it", "a place with its kind, tags, cores and memory", true);
}
