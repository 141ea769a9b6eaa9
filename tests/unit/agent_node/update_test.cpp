#include "common/wire/telemetry.h"
#include "tests/unit/agent_node/agent_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

// What the device tells the cloud of its firmware's update; the updater is played by hand.
TEST_GROUP(AgentUpdate) {
  AgentWorld world{1, true};
  wire::UpdateReport is;

  void setup() override {
    world.agent.options.telemetry = 1h;
    world.agent.update = [this] { return is; };
    world.boot();
    world.cloud_up();
  }
  std::vector<wire::UpdateReport> told() { return world.cloud.take<wire::UpdateReport>(); }
  std::int64_t updating() {
    std::int64_t last = -1;
    for (const mqtt::Publication& seen : world.broker.seen()) {
      if (!seen.topic.ends_with("/up/tel")) continue;
      auto frame = wire::decode_telemetry(seen.payload);
      if (frame && frame->metrics.has(wire::Metric::updating)) {
        last = frame->metrics.get(wire::Metric::updating);
      }
    }
    return last;
  }
};

TEST(AgentUpdate, nothing_is_said_of_an_updater_that_was_never_asked) {
  world.advance(1min);
  CHECK(told().empty());
}

TEST(AgentUpdate, each_phase_is_told_once) {
  is = {UpdatePhase::downloading, "B", "https://host/next", "", 10};
  world.advance(10s);
  auto heard = told();
  CHECK_EQUAL(1U, heard.size());
  CHECK(heard[0] == is);
  world.advance(1min);
  CHECK(told().empty());
  is.received = 20;
  world.advance(2s);
  CHECK_EQUAL(1U, told().size());
  is.phase = UpdatePhase::failed;
  is.detail = "its SHA-256 differs";
  world.advance(2s);
  STRCMP_EQUAL("its SHA-256 differs", told().at(0).detail.c_str());
}

TEST(AgentUpdate, it_is_told_on_the_topic_for_it_and_in_the_telemetry) {
  is.phase = UpdatePhase::installing;
  world.advance(10s);
  const auto seen = world.broker.seen();
  CHECK(std::any_of(seen.begin(), seen.end(),
                    [](const mqtt::Publication& each) { return each.topic.ends_with("/up/ota"); }));
  CHECK_EQUAL(1, updating());
  is.phase = UpdatePhase::good;
  world.advance(10s);
  CHECK_EQUAL(0, updating());
}

TEST(AgentUpdate, it_is_told_again_to_a_cloud_that_comes) {
  is.phase = UpdatePhase::rolled_back;
  world.advance(10s);
  CHECK_EQUAL(1U, told().size());
  world.cloud_up(100, 6);
  world.advance(1s);
  CHECK_EQUAL(1U, told().size());
}

TEST(AgentUpdate, while_the_link_is_down_nothing_is_told_and_then_the_latest) {
  world.broker.cut("pump-7");
  world.settle();
  is.phase = UpdatePhase::checking;
  world.advance(1min);
  auto heard = told();
  CHECK_EQUAL(1U, heard.size());
  CHECK(heard[0].phase == UpdatePhase::checking);
}
