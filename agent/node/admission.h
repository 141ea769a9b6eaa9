#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/store/budget.h"
#include "common/store/owner_store.h"
#include "spillway/status.h"

namespace spillway::agent {

// What the machine has left, as the node's edge measures it.
struct Machine {
  std::uint64_t disk_free = ~0ULL;    // bytes on the store's file system
  std::uint64_t inodes_free = ~0ULL;  // there
  bool memory_stalled = false;        // tasks of this machine wait for memory
};

// Whether a task is let in: the budget, fed with what store, table and machine say. The machine is
// asked at most once a second, and only while somebody submits or something is short. Loop only.
class Admission {
 public:
  struct Parts {
    std::function<Machine()> machine;  // none: never short
    std::function<store::StoreUse()> store;
    std::function<void(const std::string& message)> report;  // once per change
  };
  Admission(const BudgetLimits& limits, Parts parts);

  // Takes a measurement of what the node holds itself: bytes of tasks in memory, unfinished tasks.
  void look(NodeTime now, std::uint64_t memory, std::uint64_t tasks);
  // Nothing: it is let in, and counts from now until settle.
  std::optional<store::Refusal> refuse(Band band, std::uint64_t spec_bytes) const {
    return budget_.refuse(band, spec_bytes);
  }
  void let_in(std::uint64_t spec_bytes) { budget_.reserve(spec_bytes); }
  void settle(std::uint64_t spec_bytes) { budget_.settle(spec_bytes); }

  store::Pressure pressure(LossCause cause) const { return budget_.pressure(cause); }
  bool machine_stalled() const { return machine_.memory_stalled; }
  // What is short, for people; empty: nothing.
  std::vector<std::string> shortages() const;
  // When to look again although nobody submits.
  NodeTime next_look() const { return next_look_; }
  const BudgetLimits& limits() const { return budget_.limits(); }
  void set_limits(const BudgetLimits& limits) { budget_.set_limits(limits); }

 private:
  std::string say(LossCause cause) const;

  Parts parts_;
  store::Budget budget_;
  Machine machine_;
  NodeTime next_machine_{};
  NodeTime next_look_ = kNever;
};

// The error a refused submit is answered with: busy with a time to come back, or what never fits.
Error to_error(const store::Refusal& refusal);

}  // namespace spillway::agent
