#pragma once

#include "tests/sim/checks.h"
#include "tests/sim/stats.h"

namespace spillway::sim {

// Knows the situations by the steps that lead into them or out of them, and counts them.
class Tally {
 public:
  explicit Tally(Stats& stats) : stats_(&stats) {}

  // `failure`: of the attempt, or of the task, that the step ends; none: it ends neither so.
  void step(const Checks::OwnerEvent& event, FailureClass failure);
  // A step of a lessee, at this time.
  void step(LesseeCause cause, const LesseeRow& before, const LesseeRow& after, NodeTime now);

 private:
  void heard(const Checks::OwnerEvent& event);
  void success(const Checks::OwnerEvent& event);
  void ended(const Checks::OwnerEvent& event, FailureClass failure);
  void offered(const LesseeRow& before, const LesseeRow& after);

  Stats* stats_;
};

}  // namespace spillway::sim
