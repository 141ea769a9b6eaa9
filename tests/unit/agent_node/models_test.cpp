#include "tests/unit/agent_node/agent_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

// Without what was learned, an unknown kind is taken to run for a second.
TEST_GROUP(NodeModels) {
  AgentWorld world;
  void setup() override { world.boot(); }

  void run_for(Duration ran) {
    const std::uint64_t seq = world.add(echo());
    world.clock.advance(ran);
    world.succeed(seq);
  }
  // The run that is expected of a task that waits for the only core.
  Duration expected_run() {
    CHECK(world.add(echo()) != 0);
    const std::uint64_t seq = world.add(echo());
    auto asked = world.ask(wire::WhyRequest{seq});
    world.settle();
    const auto* why = asked->got<WhyReport>();
    CHECK(why != nullptr);
    for (const Candidate& candidate : why->explanation.candidates) {
      if (candidate.place == kHereName) return candidate.run;
    }
    return {};
  }
};

TEST(NodeModels, what_was_learned_is_known_after_a_restart) {
  for (int i = 0; i < 30; ++i) run_for(20ms);
  world.agent.node().stop();
  CHECK_FALSE(world.agent.models.empty());
  world.agent.crash();
  world.boot();
  CHECK(expected_run() < 100ms);
}

TEST(NodeModels, what_was_learned_is_kept_now_and_then_and_not_when_nothing_was) {
  run_for(20ms);
  CHECK(world.agent.models.empty());
  world.advance(11min);
  CHECK_FALSE(world.agent.models.empty());
  world.agent.models.clear();
  world.advance(1h);
  CHECK(world.agent.models.empty());
}

TEST(NodeModels, what_is_damaged_is_ignored_and_said_in_one_line) {
  run_for(20ms);
  world.agent.node().stop();
  world.agent.models.resize(world.agent.models.size() - 3);
  world.agent.reports.clear();
  world.agent.crash();
  world.boot();
  unsigned said = 0;
  for (const std::string& line : world.agent.reports)
    said += line.find("learned anew") != line.npos;
  CHECK_EQUAL(1U, said);
  CHECK(world.add(echo()) != 0);
}
