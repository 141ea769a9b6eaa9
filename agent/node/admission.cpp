#include "agent/node/admission.h"

namespace spillway::agent {
namespace {

constexpr Duration kAskMachine = std::chrono::seconds(1);
constexpr Duration kLookAgain = std::chrono::seconds(5);

}  // namespace

Admission::Admission(const BudgetLimits& limits, Parts parts)
    : parts_(std::move(parts)), budget_(limits) {}

void Admission::look(NodeTime now, std::uint64_t memory, std::uint64_t tasks) {
  if (parts_.machine && now >= next_machine_) {
    machine_ = parts_.machine();
    next_machine_ = now + kAskMachine;
  }
  const store::StoreUse store = parts_.store();
  store::Usage usage;
  usage.disk = store.in_use;
  usage.disk_free = machine_.disk_free;
  usage.inodes_free = machine_.inodes_free;
  usage.memory = memory;
  usage.memory_stalled = machine_.memory_stalled;
  usage.flash = store.flash_spent;
  usage.tasks = tasks;
  for (LossCause cause : budget_.measure(usage)) parts_.report(say(cause));
  next_look_ = shortages().empty() ? kNever : now + kLookAgain;
}

std::string Admission::say(LossCause cause) const {
  const std::string what = budget_.describe(cause);
  switch (budget_.pressure(cause)) {
    case store::Pressure::none: return "no longer short of " + what;
    case store::Pressure::tight: return "getting short of " + what;
    case store::Pressure::full: break;
  }
  return "out of " + what + "; nothing is accepted until there is room";
}

std::vector<std::string> Admission::shortages() const {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < store::Budget::kResources; ++i) {
    const auto cause = static_cast<LossCause>(i);
    const store::Pressure level = budget_.pressure(cause);
    if (level == store::Pressure::none) continue;
    all.push_back((level == store::Pressure::full ? "out of " : "short of ") +
                  budget_.describe(cause));
  }
  return all;
}

Error to_error(const store::Refusal& refusal) {
  Error error = fail(refusal.retry_after ? Code::busy : Code::invalid_argument, refusal.reason);
  error.retry_after = refusal.retry_after;
  return error;
}

}  // namespace spillway::agent
