#pragma once

#include <string>
#include <vector>

#include "tests/bench/report/report.h"

namespace spillway::bench {

// A bench's report by this build, and by the earlier one that ran right before or after it.
struct Turn {
  Report now, before;
};

// One report of all `turns` (at least one) of a bench: of each row that this build printed the
// medians, and beside them those of the earlier build's row of that name and unit, where it has
// one. A row that some run of this build lacks is the median of those that have it.
Report compare(const std::vector<Turn>& turns, const std::string& revision);

}  // namespace spillway::bench
