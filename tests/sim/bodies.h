#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "common/runner/attempt_runner.h"
#include "tests/sim/message.h"

namespace spillway::sim {

class World;

// User code under way.
struct Body {
  RunId run = kNoRun;
  std::size_t task = 0;
  Epoch epoch;
  FailureClass failure = FailureClass::none;  // as which it will end
  bool stoppable = true;
  Duration begun{};                           // boot time
  std::function<void(runner::Outcome)> done;  // of a runner's
};

// The user code that one node runs: each ends as its plan says, or soon after it was told to stop.
class Bodies {
 public:
  Bodies(World& world, NodeName node) : world_(&world), node_(node) {}
  void clear() { bodies_.clear(); }
  std::size_t size() const { return bodies_.size(); }
  const Body* find(std::size_t task, Epoch epoch) const;
  void begin(std::size_t task, Epoch epoch, RunId run,
             std::function<void(runner::Outcome)> done = {});
  void stop(std::size_t task, Epoch epoch);
  // The body of that run ends now; none: it has already.
  std::optional<Body> end(RunId run);
  // All end now, interrupted.
  std::vector<Body> interrupt();

 private:
  World* world_;
  NodeName node_;
  std::vector<Body> bodies_;
};

}  // namespace spillway::sim
