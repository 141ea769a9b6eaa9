#pragma once

#include <span>

namespace spillway::kinds {

// Arithmetic whose bits do not depend on the CPU: sums in a fixed order, and no function of the C
// library whose last bit differs between versions. Any thread.

double mean_of(std::span<const double> values);  // not empty

// The standard deviation of a sample (n - 1 in the denominator); 0 for a single value.
double deviation_of(std::span<const double> values, double mean);

// Linear interpolation between the two nearest order statistics (Hyndman and Fan 1996, type 7).
// `sorted` ascends and is not empty; 0 <= q <= 1.
double quantile_of(std::span<const double> sorted, double q);

struct Turn {
  double cosine;
  double sine;
};

// Cosine and sine of the angle 2 pi i / n.
Turn turn(std::size_t i, std::size_t n);

// Sine of x for |x| <= pi / 2.
double sine_of(double x);

}  // namespace spillway::kinds
