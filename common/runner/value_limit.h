#pragma once

#include "common/runner/attempt_runner.h"

namespace spillway::runner {

// A success whose value no message carries is an error instead.
void limit_value(Outcome& outcome);

}  // namespace spillway::runner
