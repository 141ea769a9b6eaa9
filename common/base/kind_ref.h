#pragma once

#include <span>

#include "spillway/task.h"

namespace spillway {

// Whether one of what a node has is the kind that is asked for.
bool has_kind(std::span<const KindRef> kinds, const KindRef& asked);
std::vector<std::string> names_of(std::span<const KindRef> kinds);

}  // namespace spillway
