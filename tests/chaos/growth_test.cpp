#include "tests/chaos/growth.h"

#include <cmath>

// After all others: it redefines `new`.
#include <CppUTest/TestHarness.h>

using namespace spillway::chaos;

TEST_GROUP(Growth){static Series series(double start, double per_second,
                                        double noise = 0){Series made{"memory", "MB", {}, {}};
for (int i = 0; i <= 100; ++i) made.add(i, start + per_second * i + noise * std::sin(i * 1.7));
return made;
}
}
;

TEST(Growth, a_flat_series_with_noise_does_not_grow) {
  CHECK_TRUE(std::fabs(trend_of_last_half(series(100, 0, 5)).growth) < 0.02);
}

TEST(Growth, a_slow_leak_under_noise_is_seen) {
  const Trend trend = trend_of_last_half(series(100, 0.1, 2));
  DOUBLES_EQUAL(0.1, trend.per_second, 0.02);
  CHECK_TRUE(trend.growth > 0.03);
}

namespace {

// As many samples as a soak takes, rising or falling by a third of what they are in each wave.
Series teeth(double rise, double per_second) {
  Series made{"memory", "MB", {}, {}};
  for (int i = 0; i < 400; ++i) made.add(i, 100 + per_second * i + rise * (i % 40) / 40);
  return made;
}

}  // namespace

TEST(Growth, waves_do_not_grow_however_steep_they_are_inside) {
  CHECK_TRUE(std::fabs(trend_of_last_half(teeth(30, 0)).growth) < 0.005);
  CHECK_TRUE(std::fabs(trend_of_last_half(teeth(-30, 0)).growth) < 0.005);
}

TEST(Growth, a_slow_leak_under_waves_is_seen) {
  DOUBLES_EQUAL(0.02, trend_of_last_half(teeth(30, 0.02)).per_second, 0.003);
  CHECK_TRUE(trend_of_last_half(teeth(30, 0.02)).growth > 0.02);
  CHECK_TRUE(trend_of_last_half(teeth(-30, 0.02)).growth > 0.02);
}

TEST(Growth, what_grew_before_the_last_half_does_not_count) {
  Series warm = series(100, 0);
  for (std::size_t i = 0; i < 50; ++i) warm.values[i] = static_cast<double>(i);
  DOUBLES_EQUAL(0, trend_of_last_half(warm).growth, 1e-9);
}

TEST(Growth, too_few_samples_say_nothing) {
  Series few{"memory", "MB", {}, {}};
  few.add(0, 1);
  few.add(1, 9);
  DOUBLES_EQUAL(0, trend_of_last_half(few).growth, 0);
}

TEST(Growth, a_plot_has_a_panel_for_each_series) {
  const std::string svg = plot("soak", {series(1, 0), series(2, 0)});
  STRCMP_CONTAINS("<svg", svg.c_str());
  const auto first = svg.find("<polyline");
  CHECK_TRUE(first != std::string::npos);
  CHECK_TRUE(svg.find("<polyline", first + 1) != std::string::npos);
}
