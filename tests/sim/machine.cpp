#include "tests/sim/machine.h"

namespace spillway::sim {
namespace {

constexpr std::string_view kNames[] = {"good", "fence_by_id", "trust_state", "ack_early"};

class FenceById final : public Machine {
  Epoch seen(const Task& task, Epoch) const override { return task.epoch; }
};

class TrustState final : public Machine {
  Epoch seen(const Task& task, Epoch epoch) const override {
    const bool out = task.state == TaskState::leased || task.state == TaskState::running;
    return out ? task.epoch : epoch;
  }
};

}  // namespace

std::string_view to_string(Variant variant) { return kNames[static_cast<std::size_t>(variant)]; }

std::optional<Variant> parse_variant(std::string_view text) {
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == text) return static_cast<Variant>(i);
  }
  return std::nullopt;
}

std::unique_ptr<Machine> make_machine(Variant variant) {
  if (variant == Variant::fence_by_id) return std::make_unique<FenceById>();
  if (variant == Variant::trust_state) return std::make_unique<TrustState>();
  return std::make_unique<Machine>();
}

}  // namespace spillway::sim
