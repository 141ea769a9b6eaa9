#pragma once

#include "spillway/view.h"

// Views with every part filled, for golden outputs.
namespace spillway::cli {

inline constexpr Origin kOrigin{0x7f3a9c21d04b55e6};

inline EventView sample_event(std::uint64_t seq, std::string what) {
  EventView event;
  event.seq = seq;
  event.id = {kOrigin, seq};
  event.at = NodeTime(std::chrono::seconds(100));
  event.wall = std::chrono::seconds(1'700'000'000);
  event.what = std::move(what);
  return event;
}

inline TaskView sample_task(std::uint64_t seq, TaskState state) {
  TaskView task;
  task.id = {kOrigin, seq};
  task.kind = "stats.window";
  task.state = state;
  task.epoch = {1};
  task.age = std::chrono::milliseconds(4'100);
  task.in_state = std::chrono::milliseconds(3'200);
  task.wall_created = std::chrono::seconds(1'700'000'000);
  if (state == TaskState::running || state == TaskState::succeeded) task.place = kHereName;
  if (state == TaskState::waiting) task.reason = WaitReason::backoff;
  return task;
}

inline TaskView finished_task(std::uint64_t seq, TaskState outcome, std::string_view value = "") {
  TaskView task = sample_task(seq, outcome);
  task.spec.emplace().kind.name = task.kind;
  task.spec->args = {{"window", "60"}};
  task.spec->input.bytes = to_bytes("1,2,3\n");
  TaskResult& result = task.result.emplace();
  result.id = task.id;
  result.outcome = outcome;
  result.value.bytes = to_bytes(value);
  result.placement = {kHereName, std::chrono::milliseconds(20), std::chrono::milliseconds(25)};
  result.cost = {std::chrono::milliseconds(12), 0, 0};
  if (outcome == TaskState::failed) {
    result.error =
        TaskError{FailureClass::error, Code::internal, "no such column: 'tmp'", kHereName, {1}};
  }
  task.events = {sample_event(seq, "granted"), sample_event(seq, std::string(to_string(outcome)))};
  return task;
}

inline WhyReport sample_why() {
  using std::chrono::milliseconds;
  WhyReport report;
  report.task = sample_task(142, TaskState::running);
  report.task.events = {sample_event(142, "granted")};
  report.task.events[0].epoch = {1};
  report.task.events[0].place = kHereName;
  report.dominant = "the cloud would take 1.9 s longer";
  report.next = "it ends";
  report.next_in = milliseconds(2'100);
  report.explanation.epoch = {1};
  report.explanation.chosen = kHereName;
  report.explanation.candidates = {
      {kHereName, true, "sooner", {}, {}, milliseconds(2'000), milliseconds(2'400), 2.1},
      {kCloudName, true, "", milliseconds(100), milliseconds(2'800), milliseconds(1'000),
       milliseconds(5'200), 4.0}};
  return report;
}

inline NodeView sample_node() {
  using std::chrono::milliseconds;
  NodeView node;
  node.device = "pump-7";
  node.version = "0.1.0";
  node.origin = kOrigin;
  node.uptime = std::chrono::hours(5);
  node.link_up = true;
  node.accepted = 142;
  node.by_state[4] = 140;
  node.by_state[3] = 2;
  node.done_local = 100;
  node.done_cloud = 40;
  node.bytes_up = 5'000;
  PlaceView local;
  local.place = kHereName;
  local.name = "pump-7";
  local.reachable = true;
  local.state = "up";
  local.workers = 4;
  local.running = 2;
  local.credits = 2;
  local.kinds = {"echo", "stats.window"};
  PlaceView cloud = local;
  cloud.place = kCloudName;
  cloud.name = "cloud";
  cloud.state = "connected since 12 s";
  cloud.rtt = milliseconds(42);
  cloud.bandwidth_up = 1'500'000;
  cloud.memory = 2ULL << 30;
  cloud.tags = {"gpu"};
  node.places = {local, cloud};
  node.disk_bytes = 3 << 20;
  node.disk_budget = 1 << 30;
  return node;
}

}  // namespace spillway::cli
