#include <chrono>
#include <cstdio>

#include "spillway/agent/agent.h"

// A program with an agent inside: one task, computed here.
int main(int argc, char** argv) {
  auto agent = spillway::agent::Agent::open(
      {.device = "consumer", .state_dir = argc > 1 ? argv[1] : "/tmp/consumer"});
  if (!agent || !(*agent)->start()) return 1;
  spillway::TaskSpec spec;
  spec.kind.name = "echo";
  spec.input.bytes = {'h', 'i'};
  auto id = (*agent)->submit(spec);
  if (!id) return 1;
  auto result = (*agent)->wait(*id, std::chrono::seconds(20));
  if (!result) return 1;
  std::puts("a task ran");
  return 0;
}
