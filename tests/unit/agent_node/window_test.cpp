#include <algorithm>
#include <string>
#include <vector>

#include "tests/unit/agent_node/agent_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

namespace {

TaskSpec random_task(std::uint64_t& random) {
  TaskSpec spec = echo();
  spec.band = Band(mixed(random) % 4);
  if (mixed(random) % 3 == 0) spec.deadline = 24h + std::chrono::seconds(mixed(random) % 5);
  return spec;
}

store::ReadyKey key(const AgentWorld& world, std::uint64_t seq) {
  const store::TaskRow& row = world.agent.disk.at(seq).row;
  return {row.band, row.task.deadline, row.seq};
}

void end_one(AgentWorld& world, std::uint64_t& random) {
  const auto& running = world.agent.runner().running();
  if (running.empty()) return;
  auto one = std::next(running.begin(), std::ptrdiff_t(mixed(random) % running.size()));
  const auto key = one->first;
  if (mixed(random) % 8 == 0) {
    world.agent.runner().fail(key, fail(Code::io, "once more"));
  } else {
    world.agent.runner().succeed(key, to_bytes("v"));
  }
}

void submit_some(AgentWorld& world, std::uint64_t& random, std::size_t& left) {
  const std::size_t size = std::min<std::size_t>(left, 1 + mixed(random) % 40);
  wire::SubmitRequest burst;
  for (std::size_t i = 0; i < size; ++i) burst.specs.push_back(wire::encode(random_task(random)));
  left -= size;
  world.ask(std::move(burst));
}

// Submits, steps and ends in any order.
void storm(AgentWorld& world, std::uint64_t& random) {
  for (std::size_t left = 300; left > 0;) {
    switch (mixed(random) % 6) {
      case 0: submit_some(world, random, left); break;
      case 1: end_one(world, random); break;
      case 2: world.agent.turn(); break;
      case 3: world.agent.store().execute(); break;
      case 4: world.agent.store().answer(); break;
      default:
        if (mixed(random) % 20 == 0) world.clock.advance(100ms);
    }
  }
}

std::size_t unfinished(const AgentWorld& world) {
  std::size_t left = 0;
  for (const auto& [seq, task] : world.agent.disk.tasks) {
    left += is_terminal(task.row.task.state) ? 0 : 1;
  }
  return left;
}

}  // namespace

TEST_GROUP(Window){};

TEST(Window, thousands_of_tasks_start_in_order_of_band_deadline_and_number) {
  std::uint64_t random = 7;
  AgentWorld world;
  world.agent.options.store.max_ready = 16;
  world.agent.boot();
  wire::SubmitRequest all;
  for (int i = 0; i < 2000; ++i) all.specs.push_back(wire::encode(random_task(random)));
  world.ask(std::move(all));
  world.settle();
  const Duration begun = world.clock.boot_time();
  std::size_t in_time = 0;  // then the first of them are old, and have turns of their own
  while (!world.agent.runner().running().empty()) {
    if (world.clock.boot_time() - begun < 4s) in_time = world.agent.runner().started().size();
    world.succeed(world.agent.runner().running().begin()->first.first.seq);
  }
  std::vector<store::ReadyKey> started;
  for (const TaskId& id : world.agent.runner().started()) started.push_back(key(world, id.seq));
  CHECK_EQUAL(2000, started.size());
  // The first one started before the others were seen.
  CHECK(in_time > 200);
  CHECK(std::is_sorted(started.begin() + 1, started.begin() + std::ptrdiff_t(in_time)));
}

TEST(Window, an_urgent_newcomer_overtakes_what_is_on_disk_and_in_memory) {
  AgentWorld world;
  world.agent.options.store.max_ready = 4;
  world.boot();
  for (int i = 0; i < 100; ++i) world.add(echo());
  TaskSpec urgent = echo();
  urgent.band = Band::urgent;
  const std::uint64_t seq = world.add(urgent);
  world.succeed(1);
  CHECK(world.runs(seq));
}

// How many tasks started before this one; each takes 100 ms.
static std::size_t turns_until(AgentWorld& world, std::uint64_t seq, std::size_t most) {
  for (std::size_t turn = 0; turn < most; ++turn) {
    if (world.runs(seq)) return turn;
    world.clock.advance(100ms);
    world.succeed(world.agent.runner().running().begin()->first.first.seq);
  }
  return most;
}

TEST(Window, what_is_less_urgent_waits_for_seconds_and_not_for_all_that_is_more) {
  for (const std::uint32_t window : {4U, 4096U}) {
    AgentWorld world;
    world.agent.options.store.max_ready = window;
    world.boot();
    TaskSpec urgent = echo(), background = echo();
    urgent.band = Band::urgent;
    background.band = Band::background;
    for (int i = 0; i < 8; ++i) world.add(urgent);
    const std::uint64_t low = world.add(background);
    for (int i = 0; i < 500; ++i) world.add(urgent);
    // Tasks that were there before it are elder.
    CHECK(turns_until(world, low, 500) < 150);
  }
}

TEST(Window, one_that_cannot_run_now_holds_up_no_turn_of_the_others) {
  AgentWorld world(1, true);  // the cloud does not come
  world.boot();
  TaskSpec there = echo(), urgent = echo(), background = echo();
  there.prefer = Prefer::cloud;
  there.on_disconnect = OnDisconnect::wait;
  urgent.band = Band::urgent;
  background.band = Band::background;
  for (int i = 0; i < 8; ++i) world.add(there);
  const std::uint64_t low = world.add(background);
  for (int i = 0; i < 500; ++i) world.add(urgent);
  CHECK(turns_until(world, low, 500) < 100);
}

TEST(Window, a_backlog_is_taken_up_after_a_restart_in_order) {
  AgentWorld world;
  world.agent.options.store.max_ready = 8;
  world.boot();
  for (int i = 0; i < 300; ++i) world.add(echo());
  world.agent.crash();
  world.boot();
  std::vector<std::uint64_t> started;
  for (int i = 0; i < 400; ++i) {
    if (world.agent.runner().running().empty()) world.advance(1min);
    if (world.agent.runner().running().empty()) break;
    const std::uint64_t seq = world.agent.runner().running().begin()->first.first.seq;
    started.push_back(seq);
    world.succeed(seq);
  }
  CHECK_EQUAL(300, started.size());
  // The one that ran at the crash comes back after its pause.
  std::erase(started, 1);
  CHECK(std::is_sorted(started.begin(), started.end()));
}

TEST(Window, nothing_is_forgotten_whatever_overlaps) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    std::uint64_t random = seed;
    AgentWorld world(unsigned(1 + seed % 3));
    world.agent.options.store.max_ready = std::uint32_t(1 + seed % 7);
    world.agent.boot();
    storm(world, random);
    world.settle();
    for (int i = 0; i < 3000 && unfinished(world) > 0; ++i) {
      if (world.agent.runner().running().empty()) world.advance(1s);
      end_one(world, random);
      world.settle();
    }
    if (unfinished(world) > 0) FAIL(("forgotten with seed " + std::to_string(seed)).c_str());
    CHECK_EQUAL(300, world.agent.disk.tasks.size());
    CHECK_EQUAL(0, world.agent.disk.broken.size());
  }
}
