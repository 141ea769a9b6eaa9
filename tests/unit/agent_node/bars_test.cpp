#include <string>

#include "tests/unit/agent_node/agent_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using wire::Standing;

// What an operator of the cloud decided of this device.
TEST_GROUP(Barred) {
  AgentWorld world{1, true};
  void setup() override {
    world.boot();
    world.cloud_up();
  }
  void teardown() override { CHECK_EQUAL(0, world.agent.disk.broken.size()); }

  void say(Standing standing) { world.say(wire::StandingNotice{standing, 60s}); }
  static TaskSpec there_only() {
    TaskSpec spec = echo();
    spec.prefer = Prefer::cloud;
    spec.on_disconnect = OnDisconnect::wait;
    return spec;
  }
  // A task that is the cloud's, which accepted it.
  std::uint64_t add_accepted(Effects effects = Effects::pure) {
    TaskSpec spec = echo();
    spec.prefer = Prefer::cloud;
    spec.effects = effects;
    const std::uint64_t seq = world.add(spec);
    CHECK_EQUAL(1, world.cloud.take<wire::Offer>().size());
    world.say(wire::Accept{world.id(seq), Epoch{1}});
    CHECK(world.row(seq).place() == kCloud);
    return seq;
  }
  PlaceView cloud_view() {
    const auto asked = world.ask(wire::StatusRequest{});
    world.settle();
    CHECK(asked->got<NodeView>());
    return asked->got<NodeView>()->places.at(1);
  }
  WhyReport why(std::uint64_t seq) {
    const auto asked = world.ask(wire::WhyRequest{seq});
    world.settle();
    CHECK(asked->got<WhyReport>());
    return *asked->got<WhyReport>();
  }
  bool why_says(std::uint64_t seq, const std::string& text) {
    const WhyReport report = why(seq);
    for (const Candidate& one : report.explanation.candidates) {
      if (one.reason.find(text) != std::string::npos) return true;
    }
    return false;
  }
  std::size_t reported(const std::string& text) const {
    std::size_t count = 0;
    for (const std::string& line : world.agent.reports) count += line.find(text) != line.npos;
    return count;
  }
};

TEST(Barred, it_is_shown_at_once_by_what_an_operator_did_and_said_once) {
  say(Standing::quarantined);
  const PlaceView shut = cloud_view();
  CHECK_FALSE(shut.reachable);
  STRCMP_CONTAINS("an operator has quarantined it", shut.state.c_str());
  const std::uint64_t seq = world.add(there_only());
  CHECK(why_says(seq, "an operator has quarantined it"));
  STRCMP_CONTAINS("the cloud", why(seq).next.c_str());
  CHECK(why(seq).next_in > Duration::zero());
  CHECK(world.cloud.take<wire::Offer>().empty());
  say(Standing::quarantined);
  CHECK_EQUAL(1, reported("has quarantined it"));
  say(Standing::revoked);
  STRCMP_CONTAINS("an operator has revoked it", cloud_view().state.c_str());
  CHECK_EQUAL(1, reported("has revoked it"));
}

TEST(Barred, an_offer_that_nobody_answered_and_what_the_cloud_had_run_here_without_waiting) {
  const std::uint64_t accepted = add_accepted();
  say(Standing::quarantined);
  world.advance(2s);
  CHECK(world.runs(accepted));
  world.succeed(accepted);
  CHECK(world.state(accepted) == TaskState::succeeded);
  say(Standing::welcome);
  TaskSpec spec = echo();
  spec.prefer = Prefer::cloud;
  const std::uint64_t offered = world.add(spec);
  CHECK_EQUAL(1, world.cloud.take<wire::Offer>().size());
  say(Standing::quarantined);
  CHECK(world.runs(offered));
}

TEST(Barred, what_has_its_effects_once_waits_for_the_end_of_its_lease) {
  const std::uint64_t seq = add_accepted(Effects::once);
  say(Standing::quarantined);
  world.advance(20s);
  CHECK(world.row(seq).place() == kCloud);
  world.advance(40s);
  CHECK(world.runs(seq));
}

TEST(Barred, what_asked_to_fail_without_the_cloud_fails_as_its_results_cannot_come) {
  TaskSpec spec = echo();
  spec.prefer = Prefer::cloud;
  spec.on_disconnect = OnDisconnect::fail;
  const auto fails = [&](std::uint64_t seq) {
    world.advance(2s);
    const TaskResult result = world.result(seq);
    CHECK(world.state(seq) == TaskState::failed);
    CHECK(result.error->failure == FailureClass::disconnected);
    STRCMP_CONTAINS("the cloud refuses this device: an operator has quarantined",
                    result.error->message.c_str());
    STRCMP_CONTAINS(", and on_disconnect is fail", result.error->message.c_str());
  };
  const std::uint64_t accepted = world.add(spec);
  world.say(wire::Accept{world.id(accepted), Epoch{1}});
  const std::uint64_t offered = world.add(spec);
  CHECK(world.row(offered).live[0].offer_pending);
  spec.effects = Effects::once;
  const std::uint64_t once = world.add(spec);
  world.say(wire::Accept{world.id(once), Epoch{1}});
  spec.effects = Effects::pure;
  say(Standing::quarantined);
  fails(accepted);
  fails(offered);
  fails(world.add(spec));
  CHECK(world.row(once).place() == kCloud);
  say(Standing::quarantined);
  world.advance(31s);
  fails(once);
  // Also one that hears of it by the answer to an offer.
  say(Standing::welcome);
  const std::uint64_t refused = world.add(spec);
  world.say(wire::Nack{world.id(refused), Epoch{1}, lifecycle::NackReason::barred, 60s});
  fails(refused);
  say(Standing::welcome);
  CHECK(world.row(world.add(spec)).place() == kCloud);
}

TEST(Barred, released_it_offers_again_at_once) {
  const std::uint64_t seq = world.add(there_only());
  CHECK_EQUAL(1, world.cloud.take<wire::Offer>().size());
  world.say(wire::Nack{world.id(seq), Epoch{1}, lifecycle::NackReason::barred, 60s});
  world.advance(5s);
  CHECK(world.cloud.take<wire::Offer>().empty());
  say(Standing::welcome);
  CHECK_EQUAL(1, world.cloud.take<wire::Offer>().size());
  CHECK(cloud_view().reachable);
  CHECK_EQUAL(1, reported("takes this device's tasks again"));
  say(Standing::welcome);
  CHECK_EQUAL(1, reported("takes this device's tasks again"));
}

TEST(Barred, it_asks_again_by_itself_if_nobody_tells_it_that_it_was_released) {
  say(Standing::quarantined);
  const std::uint64_t seq = world.add(there_only());
  world.advance(50s);
  CHECK(world.cloud.take<wire::Offer>().empty());
  world.advance(15s);
  CHECK_FALSE(world.cloud.take<wire::Offer>().empty());
  STRCMP_CONTAINS("asked again with a task", cloud_view().state.c_str());
  world.say(wire::Accept{world.id(seq), world.row(seq).epoch});
  CHECK(cloud_view().reachable);
}

TEST(Barred, a_new_session_of_the_cloud_says_anew_who_is_kept_out) {
  say(Standing::quarantined);
  world.cloud_up(100, 6);
  CHECK(cloud_view().reachable);
  say(Standing::quarantined);
  CHECK_FALSE(cloud_view().reachable);
  CHECK_EQUAL(1, reported("has quarantined it"));
  world.cloud_up(100, 7);
  const std::uint64_t seq = world.add(there_only());
  world.say(wire::Accept{world.id(seq), Epoch{1}});
  CHECK_EQUAL(1, reported("takes this device's tasks again"));
}
