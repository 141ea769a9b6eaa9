#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "spillway/loss.h"
#include "spillway/task.h"

// What a node shows of itself: plain values, the same in process, over the socket and in --json.
// Places are told by name.
namespace spillway {

// One place a task could have gone, as predicted at the decision.
struct Candidate {
  std::string place;
  bool eligible = false;
  std::string reason;      // why not, when not eligible; what decided, when chosen
  Duration wait{};         // W: in the queue there
  Duration transfer{};     // X: bytes over the link, and back
  Duration run{};          // T
  Duration pessimistic{};  // C at the 95th percentile
  double score = 0;        // S, seconds; lower is better
  bool operator==(const Candidate&) const = default;
};

// Why a task went, or waits, where it does.
struct Explanation {
  NodeTime at{};
  Epoch epoch;           // of the grant it explains; 0 when nothing was granted
  std::string chosen;    // empty: none was
  std::string dominant;  // one sentence: the one reason that decided
  std::vector<Candidate> candidates;
  bool operator==(const Explanation&) const = default;
};

struct EventView {
  std::uint64_t seq = 0;  // of the task
  TaskId id;
  NodeTime at{};
  Duration wall{};   // by today's wall clock
  std::string what;  // e.g. granted, attempt_failed
  Epoch epoch;
  std::string place;  // empty: nowhere
  FailureClass failure = FailureClass::none;
  std::string detail;
  bool operator==(const EventView&) const = default;
};

// A task as `ls` and `show` see it.
struct TaskView {
  TaskId id;
  std::string kind;
  std::string tenant;
  TaskState state = TaskState::waiting;
  WaitReason reason = WaitReason::none;
  std::string place;  // of the live attempt; empty: there is none
  Band band = Band::normal;
  Epoch epoch;
  std::uint32_t attempts = 0;
  std::uint32_t crashes = 0;
  Duration age{};       // since accepted
  Duration in_state{};  // since the state began
  Duration wall_created{};
  std::optional<Duration> deadline_in;   // may be negative
  std::optional<TaskSpec> spec;          // show only
  std::optional<TaskResult> result;      // show only, when finished
  std::vector<std::uint64_t> waits_for;  // show only
  std::vector<EventView> events;         // show only, oldest first
  std::string owner;  // of one dispatched or offloaded to this node; empty: its own
  bool operator==(const TaskView&) const = default;
};

struct WhyReport {
  TaskView task;
  std::string dominant;             // the one reason
  std::string next;                 // what will change it
  std::optional<Duration> next_in;  // and when
  Explanation explanation;          // the stored one of the last grant, or today's estimate
  std::string lives;  // what explains a forgotten attempt: a state that was put back; empty: none
  bool operator==(const WhyReport&) const = default;
};

struct PlaceView {
  std::string place;  // by the name that tasks' attempts have it
  std::string name;   // of the node that is there
  bool reachable = false;
  std::string state;  // e.g. "connected since 12 s", "link down 3 s, next try in 1 s"
  std::uint32_t workers = 0;
  std::uint64_t memory = 0;
  std::uint32_t running = 0;  // attempts there now
  std::uint32_t credits = 0;  // further offers it takes; local: idle workers
  Duration queue_delay{};
  Duration rtt{};
  double bandwidth_up = 0;  // bytes per second; 0: unknown
  std::vector<std::string> tags;
  std::vector<std::string> kinds;
  bool operator==(const PlaceView&) const = default;
};

// What was given up of one class for one cause in one period.
struct LossView {
  DataClass data = DataClass::tasks;
  LossCause cause = LossCause::disk_budget;
  Duration first{}, last{};  // by today's wall clock
  std::uint64_t count = 0;
  std::uint64_t reported = 0;  // known to the cloud
  bool at_least = false;       // nobody knows how much it was
  bool operator==(const LossView&) const = default;
};

// Something a broker granted or withheld, and how that hurts; empty: it does not.
struct BrokerTerm {
  std::string what, hurts;
  bool operator==(const BrokerTerm&) const = default;
};

struct NodeView {
  std::string device;
  std::string version;
  Origin origin;
  Duration uptime{};
  bool draining = false;
  bool link_up = false;
  std::string store_problem;           // empty: fine
  std::vector<std::string> shortages;  // of disk, memory, flash; empty: none
  std::uint64_t accepted = 0;          // since the store was made
  std::uint64_t by_state[8] = {};
  std::uint64_t done_local = 0;  // since start
  std::uint64_t done_cloud = 0;
  std::uint64_t in_cloud = 0;          // leased or running there now
  std::uint64_t buffered = 0;          // accepted while the link was down, since start
  std::uint64_t duplicates = 0;        // late or repeated results suppressed
  std::uint64_t refused_messages = 0;  // malformed, unknown, oversized
  std::uint64_t bytes_up = 0;
  std::uint64_t bytes_down = 0;
  std::vector<PlaceView> places;
  std::uint64_t disk_bytes = 0;               // of the store's files
  std::uint64_t disk_budget = 0;              // bytes
  std::uint64_t produced[kDataClasses] = {};  // ever, by class
  std::vector<LossView> losses;
  std::string clock_problem;  // empty: the wall clock can be believed
  std::string life_problem;   // its state was put back, or is used twice; empty: neither is known
  std::vector<BrokerTerm> broker_terms;  // of the present connection; empty: there is none
  bool operator==(const NodeView&) const = default;
};

}  // namespace spillway
