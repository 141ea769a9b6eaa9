#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "spillway/view.h"
#include "tests/chaos/client.h"

namespace spillway::chaos {

// How many were given up, by class and cause in words.
using LossSums = std::map<std::pair<std::string, std::string>, std::uint64_t>;
LossSums sums_of(const NodeView& node);

// What is wrong when a device's loss ledger is held against what its client saw (P23); empty:
// nothing. Exact, but for submits that were never answered and what a store could not write.
std::vector<std::string> check_losses(const std::string& who, const SeenLosses& seen,
                                      std::uint64_t accepted, const NodeView& node);

// The same for a device whose store was damaged, and perhaps set aside: its own counts may be among
// what was damaged, but it must say that tasks are lost and that nobody knows how many.
std::vector<std::string> check_damage(const std::string& who, const Verdicts& verdicts,
                                      bool set_aside);

}  // namespace spillway::chaos
