#pragma once

#include <functional>
#include <memory>

#include "common/process/loop.h"

namespace spillway::process {

// Calls `stepped` on the loop soon after somebody sets the wall clock, so that nothing has to look
// at it all the time. Where the kernel cannot tell, nothing is called. The loop's thread.
class ClockSteps {
 public:
  ClockSteps(Loop& loop, std::function<void()> stepped);
  ~ClockSteps();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace spillway::process
