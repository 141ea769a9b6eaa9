#pragma once

#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/runner/attempt_runner.h"

namespace spillway::test {

// A Runner whose attempts end when the test says so, each once. One thread.
class ManualRunner final : public runner::Runner {
 public:
  using Key = std::pair<TaskId, Epoch>;
  struct Running {
    runner::Request request;
    std::function<void(runner::Outcome)> done;
    Duration started{};
    bool told_to_stop = false;
  };

  explicit ManualRunner(const Clock& clock, unsigned width = 1, unsigned blocking_width = 16)
      : clock_(clock), width_(width), blocking_width_(blocking_width) {}

  void run(runner::Request request, std::function<void(runner::Outcome)> done) override;
  void stop(TaskId id, Epoch epoch) override;
  unsigned width() const override { return width_; }
  unsigned blocking_width() const override { return blocking_width_; }
  // A body begins as soon as it is given here.
  std::optional<Duration> begun(TaskId id, Epoch epoch) const override;

  bool may_have_begun(TaskId id) const override { return !unbegun.contains(id); }

  std::set<TaskId> unbegun;  // what the process before was to run and did not begin

  const std::map<Key, Running>& running() const { return running_; }
  const std::vector<TaskId>& started() const { return started_; }  // in order
  // Whether an attempt of the task runs now.
  bool runs(std::uint64_t seq) const;

  // Ends the attempt with this key, or the only one of the task with this number.
  void succeed(Key key, Bytes value);
  void succeed(std::uint64_t seq, Bytes value) { succeed(key_of(seq), std::move(value)); }
  void fail(Key key, Error error, FailureClass failure = FailureClass::error);
  void fail(std::uint64_t seq, Error error) { fail(key_of(seq), std::move(error)); }

 private:
  Key key_of(std::uint64_t seq) const;
  void end(Key key, runner::Outcome outcome);

  const Clock& clock_;
  unsigned width_, blocking_width_;
  std::map<Key, Running> running_;
  std::vector<TaskId> started_;
};

}  // namespace spillway::test
