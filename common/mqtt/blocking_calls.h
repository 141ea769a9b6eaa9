#pragma once

#include <functional>
#include <memory>

namespace spillway::mqtt {

// One thread for calls that may block (name resolution, Paho's connect and destroy), made in order.
// Any thread. The destructor waits for what is queued, but a few seconds at most: a call that hangs
// in name resolution must not keep a process from ending; its thread is then left behind, holding
// only what the call itself holds.
class BlockingCalls {
 public:
  BlockingCalls();
  ~BlockingCalls();
  BlockingCalls(const BlockingCalls&) = delete;
  BlockingCalls& operator=(const BlockingCalls&) = delete;

  void add(std::function<void()> call);

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace spillway::mqtt
