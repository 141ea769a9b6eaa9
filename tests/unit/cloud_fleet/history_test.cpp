#include "cloud/fleet/history.h"

#include <cmath>
#include <random>

#include "cloud/fleet/figures.h"
#include "common/base/latency_counts.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cloud;
using namespace std::chrono_literals;

namespace {

constexpr Wall kStart = std::chrono::minutes(28'000'000);

Sample all(float value) {
  Sample sample;
  sample.fill(value);
  return sample;
}

}  // namespace

TEST_GROUP(History){};

TEST(History, a_short_float_keeps_two_digits_and_what_is_no_number) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 10'000; ++i) {
    auto value = float(std::exp(std::uniform_real_distribution<double>(-20, 40)(random)));
    DOUBLES_EQUAL(1, double(float(ShortFloat(value)) / value), 0.004);
  }
  CHECK(std::isnan(float(ShortFloat(std::nanf("")))));
  CHECK(float(ShortFloat(0.0F)) == 0.0F);
}

TEST(History, samples_become_minutes_and_minutes_a_quarter) {
  DeviceHistory history(0);
  std::vector<HistoryBlock> blocks;
  std::size_t minutes = 0;
  // An hour, whose minute n has the values n and n + 1 by turns.
  for (int i = 0; i < 360; ++i) {
    const int minute = i / 6;
    auto closed = history.add(kStart + i * 10s, all(float(minute + i % 2)));
    minutes += closed.minute;
    if (closed.block) blocks.push_back(*closed.block);
  }
  CHECK_EQUAL(59U, minutes);
  CHECK(blocks.size() >= 3);
  std::vector<DevicePoint> points;
  for (const HistoryBlock& block : blocks) append_minutes(block, points);
  history.minutes(points);
  CHECK_EQUAL(59U, points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    CHECK(points[i].at == kStart + std::chrono::minutes(i));
    DOUBLES_EQUAL(double(i) + 0.5, double(points[i].mean[0]), 0.3);
    DOUBLES_EQUAL(double(i) + 1, double(points[i].max[0]), 0.3);
  }
  DevicePoint quarter = quarter_of(blocks[1]);
  DOUBLES_EQUAL(double((quarter.at - kStart) / 1min) + 7.5, double(quarter.mean[3]), 0.3);
}

TEST(History, the_last_twelve_samples_are_there) {
  DeviceHistory history(4);
  for (int i = 0; i < 100; ++i) (void)history.add(kStart + i * 10s, all(float(i)));
  std::vector<DevicePoint> points;
  history.samples(points);
  CHECK_EQUAL(12U, points.size());
  CHECK(points.front().at == kStart + 880s);
  CHECK(points.back().mean[0] == 99.0F);
}

TEST(History, what_was_not_measured_is_no_number_and_no_weight) {
  DeviceHistory history(0);
  Sample half = all(std::nanf(""));
  half[0] = 4;
  (void)history.add(kStart, half);
  (void)history.add(kStart + 10s, all(8));
  (void)history.add(kStart + 60s, all(1));
  std::vector<DevicePoint> points;
  history.minutes(points);
  CHECK_EQUAL(1U, points.size());
  CHECK(points[0].mean[0] == 6.0F);
  CHECK(points[0].mean[1] == 8.0F);
}

TEST(History, a_gap_and_a_clock_that_goes_back_lose_no_order) {
  DeviceHistory history(2);
  std::mt19937_64 random(9);
  Wall at = kStart;
  std::vector<DevicePoint> points;
  for (int i = 0; i < 20'000; ++i) {
    at += random() % 50 == 0 ? Wall(30min) : Wall(10s);
    Wall shown = random() % 20 == 0 ? at - 5min : at;
    auto closed = history.add(shown, all(1));
    if (closed.block) append_minutes(*closed.block, points);
  }
  CHECK(points.size() > 1000);
  for (std::size_t i = 1; i < points.size(); ++i) CHECK(points[i - 1].at < points[i].at);
}

TEST(History, a_block_comes_back_from_its_bytes_and_spoiled_ones_do_not) {
  DeviceHistory history(0);
  for (int i = 0; i < 20; ++i) (void)history.add(kStart + i * 25s, all(float(i)));
  HistoryBlock block = *history.cut();
  Bytes bytes = encode(block);
  Result<HistoryBlock> back = decode_block(block.start, bytes);
  CHECK(back.ok());
  CHECK(encode(*back) == bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(decode_block(1, ByteView(bytes).first(size)).ok());
  }
  bytes[1] = 0xFF;
  CHECK_FALSE(decode_block(1, bytes).ok());
}

TEST(History, the_fleet_keeps_three_resolutions_inside_their_bounds) {
  FleetHistory history;
  std::size_t minutes = 0, quarters = 0;
  for (int i = 0; i < 6 * 60 * 24; ++i) {
    FleetPoint point{kStart + i * 10s, {}};
    point.value.fill(float(i));
    auto closed = history.add(point);
    minutes += closed.minute.has_value();
    quarters += closed.quarter.has_value();
  }
  CHECK_EQUAL(24U * 60 - 1, minutes);
  CHECK(quarters >= 94);
  auto samples = history.read({Resolution::sample, {}, Duration::max()});
  CHECK_EQUAL(2160U, samples.size());
  CHECK(samples.back().value[0] == 8639.0F);
  auto asked = history.read({Resolution::minute, kStart + 60min, kStart + 70min});
  CHECK_EQUAL(10U, asked.size());
  DOUBLES_EQUAL(362.5, double(asked[0].value[0]), 0.1);
  FleetPoint again = *decode_fleet_point(asked[0].at, encode(asked[0]));
  CHECK(again.value == asked[0].value);
}

TEST(History, latencies_are_found_again_within_a_tenth) {
  LatencyCounts counts;
  for (int us = 1; us <= 10'000; ++us) counts.add(Duration(us));
  DOUBLES_EQUAL(5000, double(counts.quantile(0.5).count()), 500);
  DOUBLES_EQUAL(9500, double(counts.quantile(0.95).count()), 950);
  CHECK(LatencyCounts().quantile(0.5) == Duration::zero());
}

TEST(History, a_rate_looks_back_ten_seconds) {
  Rate rate;
  NodeTime now{};
  for (int second = 0; second < 60; ++second) {
    now += 1s;
    rate.add(now, 5);
  }
  DOUBLES_EQUAL(5, rate.per_second(now), 1e-9);
  DOUBLES_EQUAL(0, rate.per_second(now + 1min), 1e-9);
}
