#pragma once

#include <functional>
#include <memory>

#include "spillway/time.h"

namespace asio {
class io_context;
}

namespace spillway::process {

// A call that is still to come. Dropping the handle, or cancel(), takes the call back: it is then
// not made, even when its time had already come. The loop's thread.
class Timer {
 public:
  Timer() = default;
  Timer(Timer&&) noexcept = default;
  Timer& operator=(Timer&& other) noexcept;
  ~Timer() { cancel(); }

  void cancel();
  bool pending() const;

 private:
  friend class Loop;
  struct State;
  explicit Timer(std::weak_ptr<State> state) : state_(std::move(state)) {}
  std::weak_ptr<State> state_;
};

// The one thread that owns a node's mutable state: whoever calls run(). post() and stop() may be
// called from any thread, everything else from the loop's thread or before run(). Calls are made
// in the order of their posting. An exception out of one is a bug and ends the process. What is
// still queued when the loop is destroyed is dropped without being called.
class Loop {
 public:
  Loop();
  ~Loop();

  void post(std::function<void()> call);

  // Counts in boot time: after a suspend a call that came due is made within five minutes.
  [[nodiscard]] Timer after(Duration delay, std::function<void()> call);

  void run() noexcept;  // until stop()
  void stop();

  // Runs what is due now and returns; for tests and for a last drain.
  void run_ready() noexcept;

  // For adapters that own sockets.
  asio::io_context& context();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace spillway::process
