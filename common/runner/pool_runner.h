#pragma once

#include <memory>
#include <stop_token>
#include <unordered_map>

#include "common/base/clock.h"
#include "common/base/gate.h"
#include "common/executor/executor.h"
#include "common/process/loop.h"
#include "common/runner/attempt_runner.h"
#include "common/runner/run_register.h"
#include "common/threads/door.h"

namespace spillway::runner {

// Runs attempts on the executor and brings their outcomes back to the loop. Loop only. Destroy it
// after the executor was shut down; outcomes that arrive later are dropped.
//
// The end of a node: first stop_all(), and those that heed it end; then abandon(), for the others
// can be ended by nothing but the end of the process.
class PoolRunner final : public Runner {
 public:
  // `marks` may be null: then every attempt that was to run may have begun.
  PoolRunner(executor::Executor& executor, process::Loop& loop, const Clock& clock,
             std::shared_ptr<RunRegister> marks);
  ~PoolRunner() override;

  void run(Request request, std::function<void(Outcome)> done) override;
  void stop(TaskId id, Epoch epoch) override;
  unsigned width() const override;
  unsigned blocking_width() const override;
  std::optional<Duration> begun(TaskId id, Epoch epoch) const override;
  bool may_have_begun(TaskId id) const override;

  // Asks every attempt to stop, those still to come too.
  void stop_all();
  // Lets every attempt end as interrupted at once, whatever its body does; what comes of that is
  // dropped. True if there were any, of which the executor may never be rid.
  bool abandon();

 private:
  struct Running;
  void finish(const std::shared_ptr<Running>& running);

  executor::Executor* executor_;
  process::Loop* loop_;
  const Clock* clock_;
  std::shared_ptr<RunRegister> marks_;
  std::unordered_map<TaskId, std::vector<std::shared_ptr<Running>>> running_
      GUARDED_BY(threads::kLoop);
  bool stopping_ GUARDED_BY(threads::kLoop) = false;
  threads::Door door_{"runner::PoolRunner"};
  Gate gate_;
};

}  // namespace spillway::runner
