#pragma once

#include <array>
#include <string>
#include <vector>

#include "common/wire/messages.h"
#include "spillway/loss.h"

// A device's loss ledger, as the cloud has it, reconciled: of each class either all that was
// produced is there, or how much is missing, when and why.
namespace spillway::ledger {

struct LossLine {
  LossCause cause = LossCause::disk_budget;
  Duration first{}, last{};  // wall time as the device knew it; 0: its clock was not set
  std::uint64_t count = 0;
  bool at_least = false;  // the device does not know how much it was
  bool operator==(const LossLine&) const = default;
};

struct ClassAccount {
  std::uint64_t produced = 0;
  std::uint64_t missing = 0;    // what somebody would look for in vain
  std::uint64_t let_go = 0;     // kept as long as was asked for
  std::vector<LossLine> lines;  // of what is missing, by cause and time
  bool operator==(const ClassAccount&) const = default;
};

using LossBook = std::array<ClassAccount, kDataClasses>;

// What was stored of all reports of one device, over all the stores it ever had.
struct StoredLosses {
  struct Produced {
    DataClass data = DataClass::tasks;
    std::uint64_t count = 0;
  };
  struct Total {
    DataClass data = DataClass::tasks;
    LossCause cause = LossCause::disk_budget;
    std::uint64_t count = 0;
  };
  std::vector<Produced> produced;
  std::vector<Total> totals;
  std::vector<wire::LossEntry> entries;  // by class, cause and period
};

// Totals are what counts; where the periods of a cause do not add up to it, because the device has
// melted old ones together, the cause has one line.
LossBook reconcile(const StoredLosses& stored);

// "complete", or "missing 214, 2026-11-20 02:10–02:40 UTC, cause disk_budget".
std::string describe(const ClassAccount& account);

}  // namespace spillway::ledger
