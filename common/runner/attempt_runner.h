#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "spillway/bytes.h"
#include "spillway/ids.h"
#include "spillway/kind.h"
#include "spillway/status.h"
#include "spillway/task.h"

// Running one attempt of a task on this machine, seen from a node's loop.
namespace spillway::runner {

struct Request {
  TaskId id;
  Epoch epoch;
  const Kind* kind = nullptr;  // outlives the attempt
  TaskSpec spec;               // input and args
};

// How it went. Instants are boot time.
struct Outcome {
  TaskId id;
  Epoch epoch;
  FailureClass failure = FailureClass::none;  // none, error or interrupted
  std::optional<Error> error;
  Bytes value;
  Digest digest{};  // of the value
  Duration submitted{}, run_started{}, run_ended{};
  Duration cpu{};  // of the thread that ran it
  // To be kept until this outcome is durable: while it lives, a kill finds the body begun.
  std::shared_ptr<const void> begun;
};

// The seam to where kinds run. Loop only; `done` is called on the loop, exactly once an attempt,
// whatever happens to it.
class Runner {
 public:
  virtual ~Runner() = default;
  virtual void run(Request request, std::function<void(Outcome)> done) = 0;
  // Asks the attempt to stop; it ends as interrupted unless it was done first.
  virtual void stop(TaskId id, Epoch epoch) = 0;
  virtual unsigned width() const = 0;           // attempts that run at once
  virtual unsigned blocking_width() const = 0;  // and beside them those of blocking kinds
  // Boot time at which the body of an attempt began; none: it has not, or its outcome was told.
  virtual std::optional<Duration> begun(TaskId id, Epoch epoch) const = 0;
  // Whether the process before this one may have been running the body of an attempt of this task.
  virtual bool may_have_begun(TaskId id) const = 0;
};

}  // namespace spillway::runner
