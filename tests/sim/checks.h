#pragma once

#include <array>
#include <string>
#include <vector>

#include "tests/sim/plan.h"
#include "tests/sim/rows.h"

namespace spillway::sim {

// The promises, checked after every step, commit and effect from what a bystander can see. It knows
// the rules of the design, not the code of the machines: it compares states before and after.
class Checks {
 public:
  void begin(const Plan& plan);
  bool failed() const { return !failure_.empty(); }
  const std::string& failure() const { return failure_; }
  void fail(const char* check, const std::string& message);

  // Owner.
  struct OwnerEvent {
    std::size_t task;
    Cause cause;
    Epoch epoch;  // of the message or attempt that caused the step
    const OwnerRow& before;
    const OwnerRow& after;
    bool applied;
    RunId run;
  };
  void owner_step(const OwnerEvent& event);
  void same_again(std::size_t task, const lifecycle::OwnerTask& once,
                  const lifecycle::OwnerTask& twice);
  // A task's row was read: it is what was written.
  void came_into_memory(std::size_t task, const OwnerRow& disk, const lifecycle::OwnerTask& read);
  // A task ended; `run`: that of the value it ended with.
  void kept(std::size_t task, const OwnerRow& row, RunId run);
  void owner_commit(std::size_t task, const OwnerRow& old, const OwnerRow& now);
  // After a commit: what the disk has of a task is what memory had when it was handed over.
  void owner_disk(std::size_t task, const OwnerRow& row, const lifecycle::OwnerTask& disk,
                  bool in_outbox);
  void owner_dies(std::size_t task, const OwnerRow& disk);
  std::uint32_t new_grant() { return ++grants_; }
  void offered(std::size_t task, const wire::Offer& offer, const OwnerRow& disk);
  void starts_local(std::size_t task, Epoch epoch, const OwnerRow& disk);
  // `retries`: of the task when it came to that outcome.
  void told(std::size_t task, TaskState outcome, std::uint32_t retries, const OwnerRow& disk);
  // A RESULT as it came.
  struct Heard {
    Epoch epoch;
    FailureClass failure;
    RunId run;
    bool operator==(const Heard&) const = default;
  };
  // `heard`: all that this start heard of the attempt.
  void acked(std::size_t task, const wire::ResultAck& ack, const std::vector<Heard>& heard,
             const OwnerRow& disk);
  void after_link_down(std::size_t task, const OwnerRow& row);

  // Lessee.
  void lessee_step(std::size_t task, LesseeCause cause, Epoch epoch, const LesseeRow& before,
                   const LesseeRow& after);
  // After a commit: what the ledger has of an attempt is what memory had when it was handed over.
  void lessee_disk(std::size_t task, const LesseeRow& row, const lifecycle::LesseeTask& disk);
  void same_again(std::size_t task, const LesseeRow& once, const LesseeRow& twice);
  void lessee_dies(const LesseeRow& disk, std::size_t task);
  void starts_leased(std::size_t task, RunId run, const LesseeRow& disk);
  // The lessee is about to tell the owner of this epoch.
  void lessee_tells(std::size_t task, Epoch epoch, const LesseeRow& memory, const LesseeRow& disk);
  // A RESULT is about to leave.
  void answers(std::size_t task, const wire::ResultItem& result, const LesseeRow& disk);
  // The lessee is about to say again what a tombstone remembers, under an epoch that it never held.
  void lessee_owes(std::size_t task, FailureClass failure, const LesseeRow& disk);
  void tombstone_forgotten(std::size_t task) { record_[task].forgotten = true; }

  // Runs of user code.
  RunId begin_run(std::size_t task);
  void run_ended(RunId run, FailureClass failure);
  void attempt_failed(std::size_t task) { ++record_[task].real_failures; }

 private:
  struct Run {
    std::size_t task;
    bool succeeded;
  };
  struct Record {
    RunId acked = kNoRun;
    bool forgotten = false;           // the lessee no longer knows what it ran
    std::uint32_t real_failures = 0;  // errors and timeouts of real attempts
    std::uint32_t real_crashes = 0;   // deaths with `running` on the disk
    std::uint32_t counted_failures = 0, counted_crashes = 0;
    std::vector<bool> ran;               // by epoch, whether the lessee started user code under it
    std::vector<std::uint32_t> exposed;  // by epoch, the grant that went out under it
  };
  void exposed(std::size_t task, Epoch epoch, const OwnerRow& disk);
  void fences(const OwnerEvent& event);
  void accepted_result(const OwnerEvent& event);
  void limits(const OwnerEvent& event);
  void outbox(const OwnerEvent& event);
  void expect(bool holds, const char* check, std::size_t task, const char* message);

  const Plan* plan_ = nullptr;
  std::array<Record, kMaxTasks> record_;
  std::vector<Run> runs_;
  std::uint32_t grants_ = 0;
  std::string failure_;
};

}  // namespace spillway::sim
