#include "common/runner/value_limit.h"

#include <string>

#include "spillway/task.h"

namespace spillway::runner {

void limit_value(Outcome& outcome) {
  if (outcome.failure != FailureClass::none || outcome.value.size() <= kInlineLimit) return;
  outcome.failure = FailureClass::error;
  outcome.error = fail(Code::unsupported, "the value has " + std::to_string(outcome.value.size()) +
                                              " bytes; up to " + std::to_string(kInlineLimit) +
                                              " are supported");
}

}  // namespace spillway::runner
