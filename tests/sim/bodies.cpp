#include "tests/sim/bodies.h"

#include <algorithm>
#include <utility>

#include "tests/sim/world.h"

namespace spillway::sim {

const Body* Bodies::find(std::size_t task, Epoch epoch) const {
  const auto found = std::find_if(bodies_.begin(), bodies_.end(), [&](const Body& body) {
    return body.task == task && body.epoch == epoch;
  });
  return found == bodies_.end() ? nullptr : &*found;
}

void Bodies::begin(std::size_t task, Epoch epoch, RunId run,
                   std::function<void(runner::Outcome)> done) {
  const TaskPlan& plan = world_->plan().task[task];
  const Ending ending = draw_ending(plan, world_->random());
  const bool stoppable = !plan.stubborn || ending.after >= kForEver;
  const Duration now = world_->clock_of(node_).boot_time();
  bodies_.push_back({run, task, epoch, ending.failure, stoppable, now, std::move(done)});
  world_->schedule_end(node_, run, ending.after);
  world_->note(node_, "task %zu runs here as run %u, epoch %u", task, run, epoch.value);
}

void Bodies::stop(std::size_t task, Epoch epoch) {
  for (Body& body : bodies_) {
    const bool meant = body.task == task && body.epoch == epoch && body.stoppable;
    if (!meant || body.failure == FailureClass::interrupted) continue;
    body.failure = FailureClass::interrupted;
    world_->schedule_end(node_, body.run, world_->random().between({}, kStopTakes));
  }
}

std::optional<Body> Bodies::end(RunId run) {
  const auto found = std::find_if(bodies_.begin(), bodies_.end(),
                                  [run](const Body& body) { return body.run == run; });
  if (found == bodies_.end()) return std::nullopt;
  Body body = std::move(*found);
  bodies_.erase(found);
  return body;
}

std::vector<Body> Bodies::interrupt() {
  std::vector<Body> all = std::exchange(bodies_, {});
  for (Body& body : all) body.failure = FailureClass::interrupted;
  return all;
}

}  // namespace spillway::sim
