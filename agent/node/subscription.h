#pragma once

#include <cstdint>
#include <optional>

#include "agent/intake/api.h"

namespace spillway::agent {

// Somebody who waits for a task's end, or listens to events. Lives as long as its request's ticket.
struct Subscription {
  intake::Api::Reply reply;
  std::optional<std::uint64_t> only;  // events of this task; none: of all
};

}  // namespace spillway::agent
