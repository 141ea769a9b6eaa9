#include "tests/sim/variant.h"

#include <iterator>

namespace spillway::sim {
namespace {

constexpr std::string_view kNames[] = {"good",      "fence_by_id", "trust_state",
                                       "ack_early", "obey_by_id",  "accept_early"};

}  // namespace

std::string_view to_string(Variant variant) { return kNames[static_cast<std::size_t>(variant)]; }

std::optional<Variant> parse_variant(std::string_view text) {
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == text) return static_cast<Variant>(i);
  }
  return std::nullopt;
}

Epoch epoch_seen(Variant variant, const lifecycle::OwnerTask& task, Epoch epoch) {
  const bool out = task.state == TaskState::leased || task.state == TaskState::running;
  const bool forgets = variant == Variant::fence_by_id || (variant == Variant::trust_state && out);
  return forgets ? task.epoch : epoch;
}

Epoch epoch_seen(Variant variant, const lifecycle::LesseeTask& task, Epoch epoch) {
  return variant == Variant::obey_by_id ? task.epoch : epoch;
}

}  // namespace spillway::sim
