#pragma once

#include <array>

#include "common/lifecycle/owner.h"
#include "common/sqlite/encoded_bytes.h"
#include "tests/sim/message.h"
#include "tests/sim/random.h"

namespace spillway::sim {

inline constexpr Duration kLease = std::chrono::seconds(30);
inline constexpr Duration kForEver = std::chrono::hours(10);            // longer than any schedule
inline constexpr Duration kStopTakes = std::chrono::milliseconds(200);  // at most, of user code

inline constexpr const char* kKind = "simulated";

// One task of a schedule: what its spec says, and how its user code behaves.
struct TaskPlan {
  TaskSpec spec;
  sqlite::EncodedBytes spec_bytes;
  lifecycle::OwnerPolicy policy;
  lifecycle::OwnerTask first;
  OnDisconnect on_disconnect = OnDisconnect::run_local;
  bool local = true;                            // may run at the owner
  bool remote = true;                           // may run at the lessee
  int after = -1;                               // the task it depends on
  unsigned errors = 0, crashes = 0, hangs = 0;  // of a run, per mille
  bool stubborn = false;                        // goes on after it was asked to stop
  Duration shortest{}, longest{};
};

// Which faults a schedule has, and how often. Leaving whole classes out finds more than doing
// everything everywhere. (Groce et al., "Swarm Testing", ISSTA 2012.)
struct FaultPlan {
  Duration chaos{};                         // how long faults go on
  Duration pause{};                         // mean time between faults
  unsigned fail_point = 0;                  // crash around a commit or effect, per mille
  unsigned failing_commit = 0;              // every n-th one of a node; 0: none
  unsigned wrong_clock = 0;                 // at a start, per mille
  bool traced = false;                      // messages take what a link trace says
  unsigned loss = 0, copies = 0, slow = 0;  // of a message, per mille
  unsigned crash_owner = 0, crash_lessee = 0, cut = 0, people = 0, drain = 0, forget = 0,
           withdraw = 0, step_clock = 0;  // weights
  unsigned weights() const {
    return crash_owner + crash_lessee + cut + people + drain + forget + withdraw + step_clock;
  }
};

struct Plan {
  std::size_t tasks = 1;
  bool slow_restart = false;  // the lessee is down for longer than a lease, also after the faults
  std::array<TaskPlan, kMaxTasks> task;
  FaultPlan faults;
};

// `max_tasks` cuts a plan down while a failure is being made shorter.
Plan make_plan(Random&, std::size_t max_tasks);

// How one run of user code ends, if nothing stops it.
struct Ending {
  Duration after{};
  FailureClass failure = FailureClass::none;  // crash takes the whole process
};
Ending draw_ending(const TaskPlan&, Random&);

}  // namespace spillway::sim
