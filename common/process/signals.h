#pragma once

#include <functional>
#include <initializer_list>
#include <memory>

#include "common/process/loop.h"

namespace spillway::process {

// Delivers the named signals as calls on the loop, for as long as it lives, and has SIGPIPE ignored
// (a peer that goes away is a failed write, not the end of the process). Signals that arrive
// together may be delivered as one. The loop's thread.
class Signals {
 public:
  Signals(Loop& loop, std::initializer_list<int> numbers, std::function<void(int)> call);
  ~Signals();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace spillway::process
