#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "common/lessee/lease_table.h"
#include "common/lessee/parts.h"
#include "common/lessee/run_queue.h"
#include "common/runner/claims.h"

namespace spillway::lessee {

// Which accepted attempt starts next, on the pool's cores or on the threads for what blocks, and
// what each is taken to need: what runs of its kind took here before. Loop only.
class Cores {
 public:
  // All of these outlive it.
  Cores(const Options& options, const Parts& parts, LeaseTable& table)
      : options_(options), parts_(parts), table_(table) {}

  // Keeps the line of those that wait in step with the task's state.
  void track(const HeldTask& task, const lifecycle::LesseeTask& was);
  // The next one that may start now; null: nothing waits, or what it needs is taken.
  HeldTask* next(NodeTime now);
  // The task starts, with this epoch; its state still says that it waits.
  void claim(HeldTask& task, Epoch epoch, NodeTime now);
  // Frees what an attempt held: the seconds it was predicted to run; none: it held nothing.
  std::optional<double> free(TaskId id, Epoch epoch) { return claims_.free(id, epoch); }
  // A run ended that took so many seconds.
  void learn(const HeldTask& task, double seconds, double predicted);

  std::uint32_t running() const { return claims_.running(); }  // on cores
  bool idle() const { return claims_.empty(); }
  std::size_t queued() const { return line_.size() + blocking_line_.size(); }
  // When the oldest came of those whose turn it is; kNever: none waits.
  NodeTime oldest() const { return std::min(line_.oldest(), blocking_line_.oldest()); }
  Duration delay() const;  // until one that came now would start
  template <class F>
  void each_waiting(F&& visit) const {
    line_.each(visit);
    blocking_line_.each(visit);
  }

 private:
  RunQueue& line_of(const HeldTask& task) { return task.blocking() ? blocking_line_ : line_; }
  std::optional<TaskId> first_of(const RunQueue& line, bool blocking, NodeTime now) const;
  bool may_run_more(const Lessor& lessor, std::uint32_t waiting, bool blocking) const;
  bool may_claim(const HeldTask& task) const;
  std::uint32_t threads() const;  // for attempts of blocking kinds
  double predicted_run(const Kind* kind) const;

  const Options& options_;
  const Parts& parts_;
  LeaseTable& table_;
  RunQueue line_, blocking_line_;  // accepted, durable or about to be, not started
  runner::Claims claims_{256};     // what was started and has not ended
  double mean_run_ = 0.01;         // seconds, moving average
  std::unordered_map<const Kind*, double> mean_runs_;
};

}  // namespace spillway::lessee
