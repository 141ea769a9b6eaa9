#include "common/kinds/numeric.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace spillway::kinds {
namespace {

// x - x^3/3! + … + x^21/21!: within 1e-18 for |x| <= pi / 2. Horner from the smallest term.
double sine_series(double x) {
  double sum = 1;
  for (int k = 20; k >= 2; k -= 2) sum = 1 - sum * x * x / (k * (k + 1));
  return sum * x;
}

double cosine_series(double x) {
  double sum = 1;
  for (int k = 19; k >= 1; k -= 2) sum = 1 - sum * x * x / (k * (k + 1));
  return sum;
}

}  // namespace

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double deviation_of(std::span<const double> values, double mean) {
  if (values.size() < 2) return 0;
  double sum = 0;
  for (double value : values) sum += (value - mean) * (value - mean);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

double quantile_of(std::span<const double> sorted, double q) {
  double place = q * static_cast<double>(sorted.size() - 1);
  auto below = static_cast<std::size_t>(place);
  std::size_t above = std::min(below + 1, sorted.size() - 1);
  double part = place - static_cast<double>(below);
  // Not a + part * (b - a), which overflows between huge values of opposite sign.
  return sorted[below] * (1 - part) + sorted[above] * part;
}

Turn turn(std::size_t i, std::size_t n) {
  i %= n;
  // Reflections down to the first eighth keep symmetric angles exactly symmetric.
  if (2 * i > n) {
    Turn t = turn(n - i, n);
    return {t.cosine, -t.sine};
  }
  if (4 * i > n) {
    Turn t = turn(n - 2 * i, 2 * n);
    return {-t.cosine, t.sine};
  }
  if (8 * i > n) {
    Turn t = turn(n - 4 * i, 4 * n);
    return {t.sine, t.cosine};
  }
  double x = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(n);
  return {cosine_series(x), sine_series(x)};
}

double sine_of(double x) { return sine_series(x); }

}  // namespace spillway::kinds
