#include "common/store/budget.h"

#include <algorithm>

namespace spillway::store {
namespace {

using namespace std::chrono_literals;

// Where a level is entered and left, in thousandths of what there is.
constexpr std::uint64_t kTight = 800, kNoLongerTight = 750;
constexpr std::uint64_t kFull = 1000, kNoLongerFull = 970;
// The level from which on each band is refused, when the lowest give way first.
constexpr std::array<std::uint64_t, 4> kBandGoes = {1000, 950, 900, 800};

std::chrono::milliseconds wait_for(LossCause cause) {
  switch (cause) {
    case LossCause::memory: return 500ms;
    case LossCause::items: return 1s;
    case LossCause::flash: return 60s;
    default: return 5s;
  }
}

std::uint64_t thousandths(std::uint64_t used, std::uint64_t limit) {
  if (limit == 0) return 0;
  return static_cast<std::uint64_t>(
      std::min(1e6, static_cast<double>(used) / static_cast<double>(limit) * 1000));
}

// What must stay free is gone when no more than that is free.
std::uint64_t headroom_used(std::uint64_t must_stay, std::uint64_t free) {
  return thousandths(must_stay, std::max<std::uint64_t>(free, 1));
}

Pressure judge(std::uint64_t used, Pressure was) {
  if (used >= (was == Pressure::full ? kNoLongerFull : kFull)) return Pressure::full;
  if (used >= (was == Pressure::none ? kTight : kNoLongerTight)) return Pressure::tight;
  return Pressure::none;
}

std::string mib(std::uint64_t bytes) {
  const std::uint64_t tenths = bytes / (1 << 20) * 10 + bytes % (1 << 20) * 10 / (1 << 20);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MiB";
}

}  // namespace

std::uint64_t disk_cost(std::uint64_t spec_bytes) {
  return spec_bytes + spec_bytes / 8 + kTaskOverhead;
}

void Budget::set_limits(const BudgetLimits& limits) {
  limits_ = limits;
  plan_ = sqlite::plan_disk(limits.disk);
}

std::uint64_t Budget::used_part(LossCause cause) const {
  switch (cause) {
    case LossCause::disk_budget: return thousandths(usage_.disk + reserved_, plan_.tasks());
    case LossCause::disk_free:
      return std::max(headroom_used(limits_.disk_free, usage_.disk_free),
                      headroom_used(limits_.inodes_free, usage_.inodes_free));
    case LossCause::memory:
      return std::max(thousandths(usage_.memory, limits_.memory),
                      usage_.memory_stalled ? kTight : 0);
    case LossCause::flash: return thousandths(usage_.flash, limits_.flash_per_day);
    case LossCause::items: return thousandths(usage_.tasks, limits_.of(DataClass::tasks).items);
    default: return 0;
  }
}

std::vector<LossCause> Budget::measure(const Usage& usage) {
  usage_ = usage;
  std::vector<LossCause> changed;
  for (std::size_t i = 0; i < kResources; ++i) {
    const auto cause = static_cast<LossCause>(i);
    const Pressure level = judge(used_part(cause), levels_[i]);
    if (std::exchange(levels_[i], level) != level) changed.push_back(cause);
  }
  return changed;
}

std::optional<Refusal> Budget::refuse(Band band, std::uint64_t spec_bytes) const {
  const std::uint64_t most = std::min(plan_.tasks(), limits_.memory);
  if (disk_cost(spec_bytes) > most) {
    return Refusal{LossCause::disk_budget, std::nullopt,
                   "the task needs " + mib(disk_cost(spec_bytes)) + ", more than the " + mib(most) +
                       " that [budget] gives to all tasks"};
  }
  if (auto refusal = refuse_room(spec_bytes)) return refusal;
  for (std::size_t i = 0; i < kResources; ++i) {
    const auto cause = static_cast<LossCause>(i);
    const bool lowest_first = limits_.of(DataClass::tasks).on_full == OnFull::drop_lowest_band;
    const std::uint64_t goes = lowest_first ? kBandGoes[static_cast<std::size_t>(band)] : kFull;
    if (used_part(cause) < goes) continue;
    return Refusal{cause, wait_for(cause), describe(cause)};
  }
  return std::nullopt;
}

std::optional<Refusal> Budget::refuse_room(std::uint64_t spec_bytes) const {
  if (usage_.disk + reserved_ + disk_cost(spec_bytes) > plan_.tasks()) {
    return Refusal{LossCause::disk_budget, wait_for(LossCause::disk_budget),
                   describe(LossCause::disk_budget)};
  }
  if (usage_.memory + spec_bytes > limits_.memory) {
    return Refusal{LossCause::memory, wait_for(LossCause::memory), describe(LossCause::memory)};
  }
  return std::nullopt;
}

void Budget::settle(std::uint64_t spec_bytes) {
  reserved_ -= std::min(reserved_, disk_cost(spec_bytes));
}

std::string Budget::describe(LossCause cause) const {
  switch (cause) {
    case LossCause::disk_budget:
      return "disk budget: " + mib(usage_.disk + reserved_) + " of " + mib(plan_.tasks()) +
             " for tasks";
    case LossCause::disk_free:
      if (headroom_used(limits_.inodes_free, usage_.inodes_free) >
          headroom_used(limits_.disk_free, usage_.disk_free)) {
        return "file system: " + std::to_string(usage_.inodes_free) + " inodes free, " +
               std::to_string(limits_.inodes_free) + " must stay";
      }
      return "file system: " + mib(usage_.disk_free) + " free, " + mib(limits_.disk_free) +
             " must stay";
    case LossCause::memory:
      if (usage_.memory_stalled) return "memory: the machine waits for it";
      return "memory: " + mib(usage_.memory) + " of " + mib(limits_.memory) + " in tasks";
    case LossCause::flash:
      return "flash: " + mib(usage_.flash) + " of a day's " + mib(limits_.flash_per_day) +
             " written";
    case LossCause::items:
      return "tasks: " + std::to_string(usage_.tasks) + " unfinished of " +
             std::to_string(limits_.of(DataClass::tasks).items);
    default: return std::string(to_string(cause));
  }
}

}  // namespace spillway::store
