#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/sqlite/disk_plan.h"
#include "spillway/budget.h"
#include "spillway/loss.h"
#include "spillway/task.h"

// What tasks may use and who gives way when it runs out. Pure: it is told what was measured.
namespace spillway::store {

// Bytes that a task's row, indexes and history take besides its spec; measured, rounded up.
inline constexpr std::uint64_t kTaskOverhead = 1024;
std::uint64_t disk_cost(std::uint64_t spec_bytes);

// What is measured, now and then.
struct Usage {
  std::uint64_t disk = 0;  // bytes in use inside the file, as of the last commit
  std::uint64_t disk_free = ~0ULL;
  std::uint64_t inodes_free = ~0ULL;
  std::uint64_t memory = 0;     // bytes of tasks in memory
  bool memory_stalled = false;  // the machine waits for memory
  std::uint64_t flash = 0;      // bytes of a day's budget that are spent
  std::uint64_t tasks = 0;      // unfinished
};

// How short a resource is: `tight` refuses what the classes' policy gives up first and sheds what
// is only nice to have; `full` accepts nothing.
enum class Pressure : std::uint8_t { none, tight, full };

struct Refusal {
  LossCause cause = LossCause::disk_budget;
  // When to try again; none: it would never fit.
  std::optional<std::chrono::milliseconds> retry_after;
  std::string reason;
};

// Decides what is accepted, and how short each resource is. What it let in counts at once, before
// the store has it: reserve when a task is accepted, settle once a measurement includes it. One
// thread.
class Budget {
 public:
  static constexpr std::size_t kResources = 5;  // the first of LossCause
  explicit Budget(const BudgetLimits& limits) { set_limits(limits); }

  void set_limits(const BudgetLimits& limits);
  const BudgetLimits& limits() const { return limits_; }

  // Takes up a measurement; answers whose pressure changed. A level is left later than it was
  // entered, so that a change is worth saying.
  std::vector<LossCause> measure(const Usage& usage);
  Pressure pressure(LossCause cause) const { return levels_[static_cast<std::size_t>(cause)]; }
  const Usage& usage() const { return usage_; }

  // Why a task of this size is not accepted now, by the latest measurement; nothing: it is.
  std::optional<Refusal> refuse(Band band, std::uint64_t spec_bytes) const;
  void reserve(std::uint64_t spec_bytes) { reserved_ += disk_cost(spec_bytes); }
  void settle(std::uint64_t spec_bytes);
  std::uint64_t reserved() const { return reserved_; }

  // For people, e.g. "disk budget: 941.0 of 920.7 MiB".
  std::string describe(LossCause cause) const;

 private:
  // Thousandths of what there is; above 1000: more than that.
  std::uint64_t used_part(LossCause cause) const;
  std::optional<Refusal> refuse_room(std::uint64_t spec_bytes) const;

  BudgetLimits limits_;
  sqlite::DiskPlan plan_;
  Usage usage_;
  std::uint64_t reserved_ = 0;  // bytes of disk
  std::array<Pressure, kResources> levels_{};
};

}  // namespace spillway::store
