#include "agent/ota/agent_device.h"

#include <time.h>

#include <algorithm>
#include <thread>

#include "agent/intake/client.h"
#include "agent/ota/free_space.h"
#include "common/wire/codec.h"

namespace spillway::ota {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kPatience = 10s;
constexpr int kDrainTries = 30;                // of a second
constexpr std::uint64_t kHardlyAny = 1 << 20;  // bytes: a store that cannot write is no wonder

TaskSpec probe() {
  TaskSpec spec;
  spec.kind.name = "echo";
  spec.input.bytes = Bytes{'o', 'k'};
  spec.band = Band::urgent;
  spec.prefer = Prefer::local;
  spec.retention = 1min;
  return spec;
}

// The time of all the process's threads so far; 0: nobody can tell.
std::chrono::milliseconds processor_time(pid_t process) {
  clockid_t clock{};
  timespec spent{};
  if (process <= 0 || ::clock_getcpuclockid(process, &clock) != 0) return 0ms;
  if (::clock_gettime(clock, &spent) != 0) return 0ms;
  return std::chrono::seconds(spent.tv_sec) + std::chrono::milliseconds(spent.tv_nsec / 1'000'000);
}

bool has_cloud(const NodeView& node) {
  return std::any_of(node.places.begin(), node.places.end(), [](const PlaceView& place) {
    return class_of(place.place) != PlaceClass::here;
  });
}

}  // namespace

bool is_kept_waiting(const NodeView& node, TaskState probe, std::chrono::milliseconds waited,
                     std::chrono::milliseconds computed) {
  const bool full = std::any_of(node.places.begin(), node.places.end(), [](const auto& place) {
    return class_of(place.place) == PlaceClass::here && place.running > 0 && place.credits == 0;
  });
  const bool begun = probe != TaskState::waiting && probe != TaskState::ready;
  return full && !begun && waited > 0ms && computed * 2 > waited;
}

Status AgentDevice::drain() {
  auto client = intake::Client::connect(socket_);
  if (!client) return std::move(client).error();
  if (auto done = client->ask<wire::Done>(wire::DrainRequest{true}, kPatience); !done) {
    return std::move(done).error();
  }
  for (int look = 0; look < kDrainTries; ++look) {
    auto node = client->ask<NodeView>(wire::StatusRequest{}, kPatience);
    if (!node) return std::move(node).error();
    const bool busy = std::any_of(node->places.begin(), node->places.end(), [](const auto& place) {
      return class_of(place.place) == PlaceClass::here && place.running > 0;
    });
    if (!busy) return {};
    std::this_thread::sleep_for(1s);
  }
  return fail(Code::timeout, "tasks still run after 30 s; they start again after the update");
}

Status AgentDevice::resume() {
  auto client = intake::Client::connect(socket_);
  if (!client) return std::move(client).error();
  auto done = client->ask<wire::Done>(wire::DrainRequest{false}, kPatience);
  if (!done) return std::move(done).error();
  return {};
}

Health AgentDevice::examine() {
  Health health;
  auto client = intake::Client::connect(socket_);
  if (!client) return health;
  auto node = client->ask<NodeView>(wire::StatusRequest{}, kPatience);
  if (!node) return health;
  health.full = free_bytes(directory_) < kHardlyAny;
  health.answers = node->store_problem.empty() || health.full;
  health.link_up = node->link_up;
  health.needs_link = has_cloud(*node);
  try_a_task(*client, health);
  return health;
}

// One probe at a time: more of them would fill the cores that they are to find out about.
void AgentDevice::try_a_task(intake::Client& client, Health& health) {
  if (!probe_) {
    auto submitted =
        client.ask<wire::Submitted>(wire::SubmitRequest{{wire::encode(probe())}}, kPatience);
    if (!submitted || submitted->each.empty()) return;
    const auto& one = submitted->each[0];
    if (one.error) {
      health.full = health.full || one.error->code == Code::busy;
      return;
    }
    probe_ = one.id.seq;
  }
  const auto began = std::chrono::steady_clock::now();
  const auto spent = processor_time(client.agent());
  auto view = client.ask<TaskView>(wire::WaitRequest{*probe_}, kPatience);
  if (view || view.error().code != Code::timeout) probe_.reset();
  health.task_done = view && view->state == TaskState::succeeded;
  if (!probe_) return;
  const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - began);
  auto task = client.ask<TaskView>(wire::ShowRequest{*probe_}, kPatience);
  auto node = client.ask<NodeView>(wire::StatusRequest{}, kPatience);
  if (task && node) {
    health.busy =
        is_kept_waiting(*node, task->state, waited, processor_time(client.agent()) - spent);
  }
}

}  // namespace spillway::ota
