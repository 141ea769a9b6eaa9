#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "spillway/ids.h"
#include "spillway/task.h"

namespace spillway::runner {

// The attempts that were given a core of the pool, from their claim to their end. A commit takes
// longer than a short task, so tasks are claimed ahead of the cores: what a core does in kAhead by
// the predicted run times, and so many at most. Longer, and more urgent work would wait for it.
// Pure; one thread.
class Claims {
 public:
  static constexpr double kAhead = 0.005;  // seconds

  // `most`: attempts that hold a claim while one more may go ahead.
  explicit Claims(std::size_t most) : most_(most) {}

  // What one of several that share the cores holds of them.
  struct Share {
    std::uint32_t cores = 0;     // with runs longer than kAhead; the others end at once
    std::uint32_t blocking = 0;  // attempts
  };

  // `predicted`: seconds. Blocking attempts have a pool of their own, and take no core. A share
  // outlives its claims. An attempt has a claim for each run of it that has not ended.
  void take(TaskId id, Epoch epoch, bool blocking, double predicted, Share* share = nullptr);
  // The seconds it was predicted to run; none when the attempt holds no claim.
  std::optional<double> free(TaskId id, Epoch epoch);

  // Whether one that runs so long will have one of `cores` before a commit could have claimed it
  // then. What `crashed` here once is not claimed ahead, for beside it nothing that never began
  // would be taken for its cause; nor what must not run twice, for after a power cut nobody knows
  // whether it had begun; nor what has a run timeout, for that counts from the claim.
  bool may_go_ahead(const TaskSpec& spec, bool crashed, double predicted,
                    std::uint32_t cores) const;

  std::uint32_t running() const { return running_; }    // blocking ones not counted
  std::uint32_t blocking() const { return blocking_; }  // blocking ones
  double seconds() const { return seconds_; }           // predicted, of all
  bool empty() const { return held_.empty(); }
  template <class F>
  void each_running(F&& visit) const {
    for (const auto& [attempt, claim] : held_) {
      if (!claim.blocking) visit(attempt.first);
    }
  }

 private:
  struct Claim {
    bool blocking = false;
    double predicted = 0;
    Share* share = nullptr;
  };
  static std::uint32_t* count_of(const Claim& claim);

  const std::size_t most_;
  std::multimap<std::pair<TaskId, Epoch>, Claim> held_;
  std::uint32_t running_ = 0, blocking_ = 0;
  double seconds_ = 0;
};

}  // namespace spillway::runner
