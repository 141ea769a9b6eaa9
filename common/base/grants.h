#pragma once

#include <cstdint>

#include "spillway/ids.h"

namespace spillway {

// What a salvaged store adds to the epochs of its tasks, as it cannot know how many it had granted
// since the last page that reached the disk. More than any task takes, so that both stay apart in
// an epoch: how often the store was salvaged, and how often the task was granted.
inline constexpr std::uint32_t kSalvageStep = 1U << 20;
constexpr std::uint32_t grants_of(Epoch last) { return last.value % kSalvageStep; }

}  // namespace spillway
