#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spillway/budget.h"
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

struct Broker {
  std::string uri;  // mqtts://host:port; empty: no cloud, everything runs here
  std::string ca_file, cert_file, key_file;  // PEM; the certificate's common name is the device id
  std::chrono::milliseconds keep_alive{20'000};
  std::chrono::milliseconds reconnect_base{250};
  std::chrono::milliseconds reconnect_cap{30'000};
  std::size_t window = 128;     // messages in flight
  std::uint64_t bandwidth = 0;  // bytes per second to the broker; 0: no limit
  bool metered = false;         // bytes cost: only what must goes to the cloud
  std::string username;         // empty: who the certificate says
  std::string password_file;    // its first line
  std::string alpn;             // for a broker that shares its port; empty: none
  std::string client_id;        // empty: the device id
  std::string topic_prefix;     // before all topics; empty: none
};

struct PlacementOptions {
  std::chrono::milliseconds lease{30'000};
  double risk = 0.25;   // weight of the 95th percentile against the median
  double margin = 0.1;  // by how much the cloud must be better
  std::chrono::milliseconds probe_interval{30'000};
  std::chrono::milliseconds assumed_rtt{100};
  double assumed_bandwidth = 1024 * 1024;  // bytes per second
};

// An allow-listed program, run as a kind with the input on its stdin and its stdout as the value.
struct Command {
  std::string name;
  std::vector<std::string> argv;
  std::chrono::milliseconds timeout{60'000};
  std::uint64_t memory = 512ULL << 20;  // bytes
  std::chrono::seconds cpu{60};
};

// What the cloud may have run on this device.
struct DispatchedTasks {
  bool accept = true;
  std::vector<std::string> kinds;  // empty: every kind but programs; else these, also programs
  std::uint32_t held = 16;         // taken and not done
  std::chrono::milliseconds max_run = std::chrono::hours(24);  // 0: no limit
};

struct Options {
  std::string device;     // [a-z0-9][a-z0-9-]{2,62}
  std::string state_dir;  // made when missing; holds agent.db
  std::string socket;     // of the local API; empty: none
  std::size_t max_clients = 64;
  std::size_t max_outstanding = 256;  // requests of one client
  unsigned workers = 0;               // 0: what the process may use
  std::uint64_t memory = 0;           // bytes offered to tasks; 0: what the machine has
  std::vector<std::string> tags;
  std::chrono::milliseconds telemetry{10'000};  // between reports to the cloud; 0: none
  std::string textfile;         // the same for node_exporter's textfile collector; empty: none
  std::size_t max_ready = 512;  // ready tasks held in memory
  // Where spillway-ota keeps its files: the cloud hears how updates go, and may ask for one when
  // there is an inbox in it. Empty: this device is not updated that way.
  std::string updater_dir;
  BudgetLimits budget;  // what is accepted and kept; full is answered with busy
  Broker broker;
  PlacementOptions placement;
  DispatchedTasks dispatched_tasks;
  std::vector<Command> commands;
  std::vector<std::string> plugins;  // shared objects, absolute paths
};

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
