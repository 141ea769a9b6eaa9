#pragma once

#include "spillway/time.h"

namespace spillway::lifecycle {

// `start + span`, held inside the time line: spans come from the wire and may be anything.
constexpr NodeTime after(NodeTime start, Duration span) {
  if (span <= Duration::zero()) return start;
  return start > kNever - span ? kNever : start + span;
}

}  // namespace spillway::lifecycle
