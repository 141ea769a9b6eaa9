#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "spillway/agent/options.h"
#include "spillway/ids.h"
#include "spillway/kind.h"
#include "spillway/status.h"
#include "spillway/task.h"
#include "spillway/view.h"

// Spillway inside a program of one's own: everything spillway-agent does, as a library.
//
//   auto agent = spillway::agent::Agent::open({.device = "pump-7", .state_dir = "/var/lib/pump"});
//   agent.value()->define({.name = "pump.score", .run = score});
//   agent.value()->start();
//   auto id = agent.value()->submit({.kind = "pump.score", .input = {reading}});
//   auto result = agent.value()->wait(*id, std::chrono::minutes(1));
namespace spillway::agent {

// Any thread, except from inside a callback of its own: those run on the agent's thread and must
// not block. All but define() is for after start(), and `conflict` before. What waits for an answer
// blocks the caller; not_found: there is no such task here. Destroying it drains nothing: running
// kinds are asked to stop, and go on at the next open.
class Agent {
 public:
  // Opens the store. `conflict`: another agent has it.
  static Result<std::unique_ptr<Agent>> open(const Options& options);
  ~Agent();

  // Before start(): adds a kind to the built-in ones. invalid_argument: a bad name, or no body;
  // conflict: the name is taken, or it is too late.
  Status define(const Kind& kind);
  // Begins to run what the store holds and to accept more.
  Status start();

  // Returns once the task is on disk. busy: there is no room now, see retry_after; not_found: no
  // such kind, or a task that it comes after; else what is wrong with the spec.
  Result<TaskId> submit(const TaskSpec& spec);
  // The same without waiting; `done` is called on the agent's thread, but for a spec that is wrong
  // by itself, of which the caller's tells at once.
  void submit(const TaskSpec& spec, std::function<void(Result<TaskId>)> done);

  Result<TaskView> find(TaskId id);
  // Waits until the task is finished; Code::timeout when it is not by then.
  Result<TaskResult> wait(TaskId id, std::chrono::milliseconds timeout);
  Result<WhyReport> why(TaskId id);
  // conflict: the task's state does not allow it.
  Status cancel(TaskId id);
  Status retry(TaskId id);
  Status hold(TaskId id);
  Status release(TaskId id);
  Result<NodeView> status();
  // Accepts nothing more and returns when nothing runs here; Code::timeout when something still
  // does.
  Status drain(std::chrono::milliseconds timeout);

  // Calls `each` on the agent's thread with every event from now on, until the subscription is
  // dropped. Before start() it would wait for ever.
  class Subscription;
  std::shared_ptr<Subscription> events(std::function<void(const EventView&)> each);

 private:
  struct State;
  explicit Agent(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace spillway::agent
