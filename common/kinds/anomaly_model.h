#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "common/kinds/table.h"

namespace spillway::kinds {

// Sums over some rows of standardized features, which add up.
struct Moments {
  double rows = 0;
  std::vector<double> sum;      // p
  std::vector<double> product;  // p * p, row-major, lower triangle filled
  void add(const Moments& other);
};

// Brings each feature to mean 0 and deviation 1 over the first rows of a table. A feature that does
// not move there is given a deviation of a thousandth of its level, or of 1 at level 0.
// Standardized values are cut at a million deviations, so that nothing computed from them
// overflows. Immutable after construction; any thread. The table must outlive it.
class Standardizer {
 public:
  Standardizer(const Table& table, std::size_t first_rows);
  std::size_t features() const { return scale_.size(); }
  void row(std::size_t at, std::span<double> out) const;
  // The moments of the rows in [begin, end) that are kept; `keep` has one entry a row of the
  // table's first.
  Moments moments(std::size_t begin, std::size_t end, const std::vector<char>& keep) const;

 private:
  const Table& table_;
  std::vector<double> mean_;
  std::vector<double> scale_;
};

// Mahalanobis distance from the mean of training rows, under the covariance
// (1 - shrinkage) S + shrinkage I of standardized features (Ledoit and Wolf 2004, fixed weight).
// Immutable after construction; any thread.
class DistanceModel {
 public:
  DistanceModel(const Moments& training, double shrinkage);
  ~DistanceModel();
  DistanceModel(DistanceModel&&) noexcept;

  // Squared distance over the number of features, so that 1 is an ordinary row. Changes `row`.
  double squared(std::span<double> row) const;

 private:
  struct Factor;
  std::unique_ptr<Factor> factor_;
};

}  // namespace spillway::kinds
