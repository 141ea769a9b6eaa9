#pragma once

#include <cstdint>
#include <optional>

#include "agent/placement/estimate.h"

namespace spillway::placement {

// Learned run time of (kind, place): recursive least squares of log time on log work with λ = 0.98.
// It forgets only in the direction a sample informs about (Kulhavý, "Restricted exponential
// forgetting in real-time identification", Automatica 23(5), 1987), so that thousands of tasks of
// one size neither blow the covariance up nor stop it from adapting. Ignores what is not a positive
// finite number. One thread.
class RunTimeModel {
 public:
  // What survives a restart.
  struct State {
    double theta[2] = {-6.9, 1.0};  // log seconds = θ0 + θ1·log work
    double p[3] = {100, 0, 0.25};   // covariance, in units of the noise: p00, p01, p11
    double residual = 0.25;         // mean square of normalised log residuals
    double mass = 1;                // samples it rests on, forgotten at λ
    std::uint64_t samples = 0;
  };

  RunTimeModel() = default;
  // nullopt unless every number is finite and the covariance is one.
  static std::optional<RunTimeModel> restore(const State&);
  const State& state() const { return s_; }

  void learn(double work, double seconds);
  // `age` is the time since the last learn; the spread grows with it.
  Estimate predict(double work, double age_seconds) const;
  std::uint64_t samples() const { return s_.samples; }

 private:
  State s_;
};

}  // namespace spillway::placement
