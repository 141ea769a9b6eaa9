#include "agent/placement/run_time_model.h"

#include <algorithm>
#include <cmath>

namespace spillway::placement {
namespace {

constexpr double kForget = 0.98;         // λ
constexpr double kMaxSigma = 2;          // a prediction is never vaguer than a factor of 27
constexpr Estimate kUnknown{0.01, 0.1};  // a kind nobody has run: a guess with a wide spread

double log_work(double work) { return std::log(std::clamp(work, 1e-6, 1e18)); }

// x'Px for x = (1, log work): how far a prediction there lies from what was sampled.
double leverage(const RunTimeModel::State& s, double x) {
  return s.p[0] + 2 * s.p[1] * x + s.p[2] * x * x;
}

bool is_measurement(double value) { return std::isfinite(value) && value > 0; }

}  // namespace

std::optional<RunTimeModel> RunTimeModel::restore(const State& s) {
  const double numbers[] = {s.theta[0], s.theta[1], s.p[0], s.p[1], s.p[2], s.residual, s.mass};
  for (const double number : numbers) {
    if (!(std::abs(number) < 1e9)) return std::nullopt;  // also refuses NaN
  }
  const bool is_covariance = s.p[0] > 0 && s.p[2] > 0 && s.p[0] * s.p[2] > s.p[1] * s.p[1];
  if (!is_covariance || s.residual < 0 || s.mass <= 0) return std::nullopt;
  RunTimeModel model;
  model.s_ = s;
  return model;
}

void RunTimeModel::learn(double work, double seconds) {
  if (!is_measurement(work) || !is_measurement(seconds)) return;
  const double x = log_work(work);
  const double y = std::log(std::clamp(seconds, 1e-6, 1e6));
  const double r = leverage(s_, x);
  double error = y - (s_.theta[0] + s_.theta[1] * x);
  // One stalled run must not undo what many taught; a lasting change still gets through in a few.
  if (s_.samples >= 8) {
    const double limit = std::max(1.0, 3 * std::sqrt(s_.residual * (1 + r)));
    error = std::clamp(error, -limit, limit);
  }

  const double px[2] = {s_.p[0] + s_.p[1] * x, s_.p[1] + s_.p[2] * x};
  s_.theta[0] += px[0] / (1 + r) * error;
  s_.theta[1] += px[1] / (1 + r) * error;
  const double epsilon = kForget - (1 - kForget) / r;
  const double shrink = epsilon / (1 + epsilon * r);
  s_.p[0] -= shrink * px[0] * px[0];
  s_.p[1] -= shrink * px[0] * px[1];
  s_.p[2] -= shrink * px[1] * px[1];

  s_.mass = kForget * s_.mass + 1;
  s_.residual += (error * error / (1 + r) - s_.residual) / s_.mass;
  ++s_.samples;
}

Estimate RunTimeModel::predict(double work, double age_seconds) const {
  if (s_.samples == 0 || !is_measurement(work)) return kUnknown;
  const double x = log_work(work);
  const double median = std::exp(std::clamp(s_.theta[0] + s_.theta[1] * x, -14.0, 14.0));
  const double variance = s_.residual * (1 + leverage(s_, x)) + drift(age_seconds);
  return {median, median * std::exp(kZ95 * std::min(std::sqrt(variance), kMaxSigma))};
}

}  // namespace spillway::placement
