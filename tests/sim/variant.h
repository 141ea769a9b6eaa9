#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/lifecycle/lessee.h"

namespace spillway::sim {

// The real owner and lessee, or around them a node that is wrong on purpose, which proves that the
// checks can fail.
enum class Variant : std::uint8_t {
  good,
  fence_by_id,  // any message with the task's id counts: the network forgets the epoch
  trust_state,  // while leased or running, whatever arrives is of the live attempt
  ack_early,    // a RESULT is answered before it is committed
  obey_by_id,   // whatever the lessee hears of a task is of the attempt that it holds
  accept_early  // an OFFER is accepted before it is committed
};
std::string_view to_string(Variant variant);
std::optional<Variant> parse_variant(std::string_view text);

// Under which epoch a task's owner is told what carries this one.
Epoch epoch_seen(Variant variant, const lifecycle::OwnerTask& task, Epoch epoch);
// Under which one a lessee is told what carries this one, and is no OFFER.
Epoch epoch_seen(Variant variant, const lifecycle::LesseeTask& task, Epoch epoch);

}  // namespace spillway::sim
