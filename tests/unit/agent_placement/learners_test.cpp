#include <cmath>
#include <limits>

#include "tests/unit/agent_placement/world.h"

#include <CppUTest/TestHarness.h>

namespace spillway::placement {
namespace {

// A standard normal from twelve uniforms.
double normal(Dice& dice) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += dice.uniform(0, 1);
  return sum;
}

void learn_power_law(RunTimeModel& model, Dice& dice, int n, double scale, double exponent,
                     double sigma) {
  for (int i = 0; i < n; ++i) {
    const double work = std::exp(dice.uniform(0, 9));
    model.learn(work, scale * std::pow(work, exponent) * std::exp(sigma * normal(dice)));
  }
}

}  // namespace

TEST_GROUP(RunTime){};

TEST(RunTime, converges_on_a_power_law_from_exact_samples) {
  Dice dice(1);
  RunTimeModel model;
  learn_power_law(model, dice, 60, 3e-6, 1.3, 0);
  for (const double work : {1.0, 100.0, 8000.0}) {
    const double truth = 3e-6 * std::pow(work, 1.3);
    DOUBLES_EQUAL(truth, model.predict(work, 0).median, 0.02 * truth);
  }
}

TEST(RunTime, its_95th_percentile_covers_95_percent_of_noisy_runs) {
  Dice dice(2);
  RunTimeModel model;
  learn_power_law(model, dice, 400, 1e-4, 1, 0.4);
  int covered = 0;
  const int n = 4000;
  for (int i = 0; i < n; ++i) {
    const double work = std::exp(dice.uniform(0, 9));
    const double ran = 1e-4 * work * std::exp(0.4 * normal(dice));
    covered += ran <= model.predict(work, 0).high ? 1 : 0;
  }
  CHECK(covered > 0.91 * n);
  CHECK(covered < 0.985 * n);
}

TEST(RunTime, one_sample_is_enough_for_the_same_work_again) {
  RunTimeModel model;
  model.learn(5000, 0.02);
  DOUBLES_EQUAL(0.02, model.predict(5000, 0).median, 0.003);
}

TEST(RunTime, ten_thousand_tasks_of_one_size_neither_blow_it_up_nor_freeze_it) {
  RunTimeModel model;
  for (int i = 0; i < 10'000; ++i) model.learn(1000, 0.01);
  DOUBLES_EQUAL(0.01, model.predict(1000, 0).median, 1e-4);
  CHECK(model.predict(10'000, 0).high < 10);
  for (int i = 0; i < 150; ++i) model.learn(1000, 0.03);
  DOUBLES_EQUAL(0.03, model.predict(1000, 0).median, 0.003);
}

TEST(RunTime, one_stalled_run_moves_the_estimate_little) {
  Dice dice(3);
  RunTimeModel model;
  learn_power_law(model, dice, 200, 1e-3, 1, 0.1);
  model.learn(20, 60);
  CHECK(model.predict(20, 0).median < 0.03);
}

TEST(RunTime, follows_a_device_that_became_three_times_slower) {
  Dice dice(4);
  RunTimeModel model;
  learn_power_law(model, dice, 500, 1e-3, 1, 0.1);
  learn_power_law(model, dice, 200, 3e-3, 1, 0.1);
  DOUBLES_EQUAL(0.3, model.predict(100, 0).median, 0.06);
}

TEST(RunTime, uncertainty_grows_with_age_and_the_median_does_not_move) {
  Dice dice(5);
  RunTimeModel model;
  learn_power_law(model, dice, 200, 1e-3, 1, 0.1);
  const Estimate fresh = model.predict(10, 0), hour = model.predict(10, 3600),
                 month = model.predict(10, 30 * 86400);
  DOUBLES_EQUAL(fresh.median, month.median, 1e-12);
  CHECK(fresh.high < hour.high);
  CHECK(hour.high < month.high);
}

TEST(RunTime, ignores_what_is_not_a_measurement) {
  RunTimeModel model;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  for (const double bad : {nan, inf, -inf, 0.0, -1.0}) {
    model.learn(bad, 1);
    model.learn(1, bad);
  }
  CHECK_EQUAL(0U, model.samples());
  const Estimate guess = model.predict(nan, 0);
  CHECK(std::isfinite(guess.median) && guess.high >= guess.median);
}

TEST_GROUP(LinkEstimates){};

TEST(LinkEstimates, round_trip_converges_and_its_spread_covers_the_jitter) {
  Dice dice(6);
  LinkModel link(std::chrono::milliseconds(100), 1e6);
  for (int i = 1; i <= 200; ++i) {
    link.learn_round_trip(from_seconds(0.04 + 0.005 * normal(dice)), at(i));
  }
  const Estimate rtt = link.round_trip(at(200));
  DOUBLES_EQUAL(0.04, rtt.median, 0.005);
  CHECK(rtt.high > 0.044);
  CHECK(rtt.high < 0.06);
}

TEST(LinkEstimates, bandwidth_of_single_transfers_leaves_the_round_trip_out) {
  LinkModel link(std::chrono::milliseconds(100), 1e6);
  link.learn_round_trip(from_seconds(0.2), at(1));
  for (int i = 2; i < 30; ++i) {
    link.learn_round_trip(from_seconds(0.2), at(i));
    link.learn_transfer(60'000, from_seconds(0.2 + 60'000 / 50e3), at(2 * i));
  }
  DOUBLES_EQUAL(50e3, link.bandwidth(), 2e3);
}

TEST(LinkEstimates, bandwidth_of_pipelined_transfers_counts_each_byte_once) {
  LinkModel link(std::chrono::milliseconds(100), 1e6);
  for (int i = 0; i < 30; ++i) link.learn_round_trip(from_seconds(0.1), at(1));
  // Twenty chunks of 20 kB handed over together to a link of 100 kB/s.
  for (int i = 1; i <= 20; ++i) {
    link.learn_transfer(20'000, from_seconds(0.1 + 0.2 * i), at(10.1 + 0.2 * i));
  }
  DOUBLES_EQUAL(100e3, link.bandwidth(), 5e3);
}

TEST(LinkEstimates, small_messages_do_not_make_a_fast_link_look_slow) {
  LinkModel link(std::chrono::milliseconds(100), 1e6);
  teach_link(link, 0.05, 5e6, at(7000));
  for (int i = 0; i < 100; ++i) link.learn_transfer(300, from_seconds(0.0502), at(7001 + i));
  CHECK(link.bandwidth() > 4.5e6);
}

TEST(LinkEstimates, a_link_faster_than_assumed_is_noticed_by_transfers_alone) {
  LinkModel link(std::chrono::milliseconds(100), 100e3);
  for (int i = 1; i < 40; ++i) link.learn_transfer(64'000, from_seconds(0.008), at(i));
  CHECK(link.rtt() <= from_seconds(0.0081));
  CHECK(link.bandwidth() > 2e6);
}

TEST(LinkEstimates, follows_a_link_that_becomes_slow_within_a_few_transfers) {
  LinkModel link(std::chrono::milliseconds(100), 1e6);
  teach_link(link, 0.05, 5e6, at(7000));
  for (int i = 1; i <= 10; ++i) {
    link.learn_transfer(30'000, from_seconds(0.05 + 30'000 / 20e3), at(7000 + 3 * i));
  }
  CHECK(link.bandwidth() < 40e3);
}

TEST(LinkEstimates, ignores_what_cannot_be_a_measurement) {
  LinkModel link(std::chrono::milliseconds(100), 1e6);
  const double rtt = link.round_trip(at(0)).median, bandwidth = link.bandwidth();
  link.learn_round_trip(Duration(0), at(1));
  link.learn_round_trip(Duration(-5), at(1));
  link.learn_round_trip(std::chrono::hours(2), at(1));
  link.learn_transfer(0, Duration(10), at(1));
  link.learn_transfer(100, Duration(0), at(1));
  link.learn_transfer(100, Duration(-1), at(1));
  DOUBLES_EQUAL(rtt, link.round_trip(at(0)).median, 0);
  DOUBLES_EQUAL(bandwidth, link.bandwidth(), 0);
}

}  // namespace spillway::placement
