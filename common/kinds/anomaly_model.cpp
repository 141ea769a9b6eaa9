#include "common/kinds/anomaly_model.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>

#include "common/kinds/numeric.h"

namespace spillway::kinds {
namespace {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr double kMostDeviations = 1e6;
constexpr double kLeastScale = 1e-300;

double scale_of(std::span<const double> values, double mean) {
  double deviation = deviation_of(values, mean);
  if (deviation == 0) deviation = mean == 0 ? 1 : std::abs(mean) / 1000;
  return std::max(deviation, kLeastScale);
}

}  // namespace

void Moments::add(const Moments& other) {
  rows += other.rows;
  sum.resize(other.sum.size());
  product.resize(other.product.size());
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += other.sum[i];
  for (std::size_t i = 0; i < product.size(); ++i) product[i] += other.product[i];
}

Standardizer::Standardizer(const Table& table, std::size_t first_rows) : table_(table) {
  for (const Column& column : table.features) {
    auto training = std::span(column.values).first(first_rows);
    mean_.push_back(mean_of(training));
    scale_.push_back(scale_of(training, mean_.back()));
  }
}

void Standardizer::row(std::size_t at, std::span<double> out) const {
  for (std::size_t i = 0; i < out.size(); ++i) {
    double z = (table_.features[i].values[at] - mean_[i]) / scale_[i];
    out[i] = std::clamp(z, -kMostDeviations, kMostDeviations);
  }
}

Moments Standardizer::moments(std::size_t begin, std::size_t end,
                              const std::vector<char>& keep) const {
  std::size_t p = features();
  Moments moments;
  moments.sum.resize(p);
  moments.product.resize(p * p);
  std::vector<double> z(p);
  for (std::size_t at = begin; at < end; ++at) {
    if (!keep[at]) continue;
    row(at, z);
    moments.rows += 1;
    for (std::size_t i = 0; i < p; ++i) {
      moments.sum[i] += z[i];
      for (std::size_t j = 0; j <= i; ++j) moments.product[i * p + j] += z[i] * z[j];
    }
  }
  return moments;
}

struct DistanceModel::Factor {
  Eigen::VectorXd mean;
  Eigen::LLT<Eigen::MatrixXd> cholesky;
};

DistanceModel::DistanceModel(const Moments& training, double shrinkage)
    : factor_(std::make_unique<Factor>()) {
  auto p = static_cast<Eigen::Index>(training.sum.size());
  factor_->mean = Eigen::Map<const Eigen::VectorXd>(training.sum.data(), p) / training.rows;
  Eigen::MatrixXd covariance =
      Eigen::Map<const RowMajor>(training.product.data(), p, p) / training.rows -
      factor_->mean * factor_->mean.transpose();
  covariance *= 1 - shrinkage;
  covariance.diagonal().array() += shrinkage;
  factor_->cholesky.compute(covariance);
}

DistanceModel::~DistanceModel() = default;
DistanceModel::DistanceModel(DistanceModel&&) noexcept = default;

double DistanceModel::squared(std::span<double> row) const {
  Eigen::Map<Eigen::VectorXd> z(row.data(), static_cast<Eigen::Index>(row.size()));
  z -= factor_->mean;
  factor_->cholesky.matrixL().solveInPlace(z);
  return z.squaredNorm() / static_cast<double>(row.size());
}

}  // namespace spillway::kinds
