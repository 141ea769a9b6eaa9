#pragma once

#include <string_view>

#include "spillway/task.h"

namespace spillway {

// How an attempt that is over ended, for people to read. `outcome` is its task's, and `last`
// whether no other attempt came after it. What came to no end of its own was stopped: with the
// task, or because another attempt won or was to have the task. Versions that did not note this
// left `none` there, and no end.
inline std::string_view ending_of(const Attempt& attempt, bool last, TaskState outcome) {
  const bool ended = attempt.failure == FailureClass::none && attempt.times.accepted != NodeTime{};
  if (ended && outcome == TaskState::succeeded) return to_string(outcome);
  if (attempt.failure != FailureClass::none && attempt.failure != FailureClass::interrupted) {
    return to_string(attempt.failure);
  }
  const bool given_up = outcome == TaskState::cancelled || outcome == TaskState::expired;
  return last && given_up ? to_string(outcome) : to_string(FailureClass::interrupted);
}

}  // namespace spillway
