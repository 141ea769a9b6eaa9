#pragma once

#include "agent/cli/session.h"
#include "spillway/view.h"

namespace spillway::cli {

// Exit codes of several targets, as one: all alike, or kPartial.
class Tally {
 public:
  void add(int code);
  int code() const { return mixed_ ? kPartial : first_.value_or(kOk); }

 private:
  std::optional<int> first_;
  bool mixed_ = false;
};

// Waits until a task is finished, with its result. While a person looks on, says how it goes.
Result<TaskView> wait_for(Session& session, TaskId id,
                          std::optional<std::chrono::milliseconds> timeout);

// The value of a success to `out` as it is; what else became of the task to `err`.
int print_outcome(Session& session, const TaskView& task);

}  // namespace spillway::cli
