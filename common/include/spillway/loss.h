#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "spillway/time.h"

// The loss ledger: what a device gave up, counted by class, cause and period. Causes say what ran
// out; whatever is counted here plus what is still there or has arrived is all there ever was
// (P23).
namespace spillway {

// What a device keeps and may run out of room for.
enum class DataClass : std::uint8_t {
  tasks = 0,    // submitted: refused before they were accepted, or past their deadline
  results = 1,  // of finished tasks
  events = 2,   // of tasks' histories
  telemetry = 3,
};
inline constexpr std::size_t kDataClasses = 4;
std::string_view to_string(DataClass data);

enum class LossCause : std::uint8_t {
  disk_budget = 0,  // the store's own budget
  disk_free,        // what must stay free on its file system: bytes or inodes
  memory,           // the budget of tasks in memory, or the machine's memory
  flash,            // bytes written a day
  items,            // how many of the class are kept
  age,              // older than the class is kept
  retention,        // as long as was asked for: nothing is missing
  deadline,         // of the task itself
  store,            // the store could not write
  offline,          // not sent while there was no link, and not kept
  draining,         // somebody told the device to accept nothing
};
inline constexpr std::size_t kLossCauses = 11;
std::string_view to_string(LossCause cause);
// Whether a reader would miss it.
constexpr bool is_missed(LossCause cause) { return cause != LossCause::retention; }

// Losses of one class and cause in one period of the device's time line.
struct LossKey {
  DataClass data = DataClass::tasks;
  LossCause cause = LossCause::disk_budget;
  NodeTime period{};                                 // where it begins
  auto operator<=>(const LossKey&) const = default;  // NOLINT(modernize-use-nullptr)
};
inline constexpr Duration kLossPeriod = std::chrono::minutes(10);
constexpr NodeTime loss_period(NodeTime at) {
  return NodeTime(at.time_since_epoch() / kLossPeriod * kLossPeriod);
}

struct LossRow {
  LossKey key;
  NodeTime first{}, last{};
  std::uint64_t count = 0;
  std::uint64_t reported = 0;  // of `count`, what the cloud has acknowledged
  bool at_least = false;       // nobody knows how much it was: a damaged store does not tell
  auto operator<=>(const LossRow&) const = default;
};

}  // namespace spillway
