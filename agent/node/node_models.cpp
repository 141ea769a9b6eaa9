#include "agent/node/node.h"

namespace spillway::agent {
namespace {

// A device that loses power learns the last minutes again.
constexpr Duration kKeepEvery = std::chrono::minutes(10);

}  // namespace

void Node::load_models() {
  if (parts_.models.empty() || placement_.load(parts_.models)) return;
  parts_.alarm("what was learned of run times and link cannot be read; it is learned anew");
}

void Node::learn_run(const owner::OwnedTask& task, PlaceKind place, Duration ran) {
  placement_.learn_run(task.spec->kind, place, task.work, ran, now());
  if (parts_.keep_models && next_keep_ == kNever) next_keep_ = now() + kKeepEvery;
}

void Node::keep_models() {
  if (std::exchange(next_keep_, kNever) == kNever) return;
  parts_.keep_models(placement_.save());
}

}  // namespace spillway::agent
