#include "tests/unit/cloud_node/cloud_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using lifecycle::LeaseState;

TEST_GROUP(CloudClaims) {
  CloudWorld world{1};
  void setup() override { world.boot(); }
  void teardown() override { CHECK_EQUAL(0, world.cloud.disk.broken.size()); }

  void offer(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t seq = first; seq <= last; ++seq) world.say_offer(world.offer(seq));
  }
  void run_for(std::uint64_t seq, Duration span) {
    world.clock.advance(span);
    world.succeed(seq);
  }
  std::size_t running() {
    std::size_t count = 0;
    for (const auto& [id, row] : world.cloud.disk.rows) {
      count += row.task.state == LeaseState::running ? 1U : 0U;
    }
    return count;
  }
};

TEST(CloudClaims, a_kind_that_never_ran_is_claimed_by_the_core) {
  offer(1, 4);
  CHECK_EQUAL(1, running());
}

TEST(CloudClaims, short_runs_are_claimed_ahead_for_as_long_as_they_take) {
  offer(1, 12);
  run_for(1, 900us);
  CHECK_EQUAL(5, running());
}

TEST(CloudClaims, what_must_not_run_twice_is_claimed_by_the_core) {
  offer(1, 1);
  run_for(1, 100us);
  TaskSpec once = CloudWorld::spec();
  once.effects = Effects::once;
  for (const std::uint64_t seq : {2, 3}) world.say_offer(world.offer(seq, 1, once));
  CHECK_EQUAL(1, running());
}

TEST(CloudClaims, long_runs_are_claimed_by_the_core) {
  offer(1, 4);
  run_for(1, 6ms);
  CHECK_EQUAL(1, running());
}

TEST(CloudClaims, a_kind_whose_runs_differ_is_claimed_by_its_long_ones) {
  offer(1, 12);
  run_for(1, 1ms);
  run_for(2, 100ms);
  CHECK_EQUAL(4, running());
  for (const std::uint64_t seq : {3, 4, 5}) run_for(seq, {});
  CHECK_EQUAL(1, running());
}

TEST(CloudClaims, P8_what_was_claimed_and_had_not_begun_at_a_kill_runs_again_uncounted) {
  offer(1, 3);
  run_for(1, 1ms);
  CHECK_EQUAL(2, running());
  world.cloud.unbegun = {world.id(3)};
  world.device.forget();
  world.restart();
  world.advance(1s);
  const auto results = world.device.take<wire::ResultItem>();
  std::size_t crashes = 0;
  for (const wire::ResultItem& result : results) {
    if (result.failure != FailureClass::crash) continue;
    crashes += 1;
    CHECK(result.id == world.id(2));
  }
  CHECK(crashes > 0);
  CHECK(world.runs(3));
}

TEST(CloudClaims, what_crashed_once_is_not_claimed_ahead) {
  offer(1, 1);
  world.restart();
  world.advance(1s);
  world.say(wire::ResultAck{world.id(1), Epoch{1}, wire::ResultVerdict::accepted});
  offer(2, 3);
  run_for(2, 1ms);
  CHECK(world.runs(3));
  wire::Offer again = world.offer(1, 2);
  again.settled = Epoch{1};
  world.say_offer(again);
  CHECK(world.state(1) == LeaseState::accepted);
  world.succeed(3);
  CHECK(world.runs(1));
}
