#pragma once

#include <algorithm>
#include <string>

#include "common/base/clock.h"
#include "spillway/kind.h"
#include "spillway/task.h"

namespace spillway::test {

using namespace std::chrono_literals;

// A kind that gives back its input; "slow" blocks.
inline Kind echo_kind(const std::string& name) {
  Kind kind;
  kind.name = name;
  kind.traits.blocking = name == "slow";
  kind.run = [](KindContext& context) -> Result<Bytes> {
    return Bytes(context.input().begin(), context.input().end());
  };
  return kind;
}

inline TaskSpec echo(const std::string& input = "x") {
  TaskSpec spec;
  spec.kind.name = "echo";
  spec.input.bytes = to_bytes(input);
  return spec;
}

// Time passes in a world, which settles; no timer of its node is skipped.
template <class World, class Side>
void pass(World& world, Side& side, Duration by) {
  while (by > Duration::zero()) {
    world.settle();
    Duration step = by;
    if (side.on() && side.next() != kNever) {
      step = std::clamp<Duration>(side.next() - side.node().now(), 1us, by);
    }
    world.clock.advance(step);
    by -= step;
  }
  world.settle();
}

}  // namespace spillway::test
