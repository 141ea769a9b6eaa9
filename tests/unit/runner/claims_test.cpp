#include "common/runner/claims.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using runner::Claims;

TEST_GROUP(Claiming) {
  Claims claims{4};
  TaskSpec spec;

  static TaskId id(std::uint64_t seq) { return {Origin{7}, seq}; }
  bool ahead(double predicted, std::uint32_t cores = 1) const {
    return claims.may_go_ahead(spec, /*crashed=*/false, predicted, cores);
  }
};

TEST(Claiming, as_much_goes_ahead_as_the_cores_do_in_five_milliseconds) {
  claims.take(id(1), Epoch{1}, false, 0.003);
  CHECK(ahead(0.002));
  CHECK_FALSE(ahead(0.003));
  CHECK(ahead(0.003, 2));
  CHECK_FALSE(ahead(0.001, 0));
}

TEST(Claiming, so_many_go_ahead_at_most) {
  for (std::uint64_t seq = 1; seq <= 4; ++seq) {
    CHECK(ahead(1e-6));
    claims.take(id(seq), Epoch{1}, false, 1e-6);
  }
  CHECK_FALSE(ahead(1e-6));
}

TEST(Claiming, what_crashed_must_not_run_twice_or_counts_its_run_does_not_go_ahead) {
  CHECK_FALSE(claims.may_go_ahead(spec, /*crashed=*/true, 1e-6, 1));
  spec.effects = Effects::once;
  CHECK_FALSE(ahead(1e-6));
  spec.effects = Effects::pure;
  spec.run_timeout = std::chrono::milliseconds(50);
  CHECK_FALSE(ahead(1e-6));
}

TEST(Claiming, a_claim_ends_once_and_with_it_its_time) {
  claims.take(id(1), Epoch{1}, false, 0.004);
  claims.take(id(1), Epoch{2}, false, 0.001);
  CHECK_FALSE(ahead(0.001));
  CHECK(claims.free(id(1), Epoch{1}).has_value());
  CHECK_FALSE(claims.free(id(1), Epoch{1}).has_value());
  CHECK_EQUAL(1, claims.running());
  CHECK(ahead(0.003));
  CHECK(claims.free(id(1), Epoch{2}).has_value());
  CHECK(claims.empty());
  DOUBLES_EQUAL(0, claims.seconds(), 0);
}

TEST(Claiming, an_attempt_that_runs_twice_holds_two_claims) {
  claims.take(id(1), Epoch{1}, false, 0.001);
  claims.take(id(1), Epoch{1}, false, 0.001);
  CHECK_EQUAL(2, claims.running());
  CHECK(claims.free(id(1), Epoch{1}).has_value());
  CHECK_EQUAL(1, claims.running());
  CHECK(claims.free(id(1), Epoch{1}).has_value());
  CHECK_EQUAL(0, claims.running());
  CHECK(claims.empty());
}

TEST(Claiming, blocking_ones_take_no_core) {
  claims.take(id(1), Epoch{1}, true, 10);
  CHECK_EQUAL(0, claims.running());
  CHECK_EQUAL(1, claims.blocking());
  CHECK(ahead(0.004));
  int seen = 0;
  claims.each_running([&](TaskId) { ++seen; });
  CHECK_EQUAL(0, seen);
}
