#include <cmath>

#include "tests/unit/agent_placement/world.h"

#include <CppUTest/TestHarness.h>

namespace spillway::placement {
namespace {
const NodeTime kNow = at(10'000);

Placement taught() {
  Placement placement{Policy{}};
  teach_kind(placement, "spin", kHere, 0.025, kNow);
  teach_kind(placement, "stats.window", kCloud, 0.002, kNow);
  teach_link(placement.link(), 0.02, 3e6, kNow);
  return placement;
}

bool is_sane(const Placement& placement) {
  for (const char* kind : {"spin", "stats.window", "echo"}) {
    for (const PlaceId place : {kHere, kCloud}) {
      const Estimate e = placement.run_time(kind, place, 10, kNow);
      if (!std::isfinite(e.high) || e.median <= 0 || e.high < e.median) return false;
    }
  }
  const Estimate sent = placement.link().transfer(1000, kNow);
  const Estimate rtt = placement.link().round_trip(kNow);
  return std::isfinite(sent.high) && sent.median > 0 && std::isfinite(rtt.high) && rtt.median > 0;
}
}  // namespace

TEST_GROUP(Saved){};

TEST(Saved, what_was_learned_survives_a_restart_exactly) {
  const Placement before = taught();
  Placement after{Policy{}};
  after.load(before.save());
  CHECK(before.save() == after.save());
  DOUBLES_EQUAL(before.run_time("spin", kHere, 7, kNow).high,
                after.run_time("spin", kHere, 7, kNow).high, 0);
  DOUBLES_EQUAL(before.link().bandwidth(), after.link().bandwidth(), 0);
}

TEST(Saved, a_truncated_state_is_ignored_as_a_whole) {
  const Bytes good = taught().save();
  for (std::size_t size = 0; size < good.size(); ++size) {
    Placement placement{Policy{}};
    const Bytes before = placement.save();
    placement.load(ByteView(good).first(size));
    // A cut between two kinds leaves a shorter state that is whole.
    const Bytes after = placement.save();
    CHECK(after == before || after == Bytes(good.begin(), good.begin() + static_cast<long>(size)));
  }
}

TEST(Saved, any_damaged_byte_leaves_estimates_that_are_finite_and_positive) {
  const Bytes good = taught().save();
  Dice dice(21);
  for (int i = 0; i < 20'000; ++i) {
    Bytes bad = good;
    for (std::size_t n = 1 + dice.below(4); n-- > 0;) {
      bad[dice.below(bad.size())] = static_cast<std::uint8_t>(dice.next());
    }
    Placement placement{Policy{}};
    placement.load(bad);
    CHECK(is_sane(placement));
    placement.learn_run("spin", kHere, 3, from_seconds(0.02), kNow);
    placement.link().learn_transfer(1000, from_seconds(0.2), kNow);
    CHECK(is_sane(placement));
  }
}

TEST(Saved, random_bytes_are_ignored) {
  Dice dice(22);
  for (int i = 0; i < 2000; ++i) {
    Bytes noise(dice.below(400));
    for (auto& byte : noise) byte = static_cast<std::uint8_t>(dice.next());
    Placement placement{Policy{}};
    const Bytes before = placement.save();
    placement.load(noise);
    CHECK(before == placement.save());
  }
}

TEST(Saved, a_time_in_the_future_counts_as_now) {
  Placement placement = taught();
  Placement earlier{Policy{}};
  earlier.load(placement.save());
  const Estimate fresh = earlier.run_time("spin", kHere, 5, kNow);
  const Estimate before = earlier.run_time("spin", kHere, 5, at(1));
  DOUBLES_EQUAL(fresh.high, before.high, 0);
}

}  // namespace spillway::placement
