#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/places.h"
#include "common/lifecycle/owner.h"
#include "common/store/owner_store.h"
#include "common/wire/messages.h"
#include "spillway/task.h"

namespace spillway::owner {

// What became of a task's attempts, and what they cost. While the task is not done it is kept with
// the task's row, as the result so far, so that a restart tells the same. Loop only.
class AttemptHistory {
 public:
  // The history of a task whose row was just read. What that lacks of a result is no error: a
  // history says nothing the life cycle needs.
  static AttemptHistory of(const store::TaskRow& row, const Places& places);

  // The task moved on from `was` with the step. An attempt that has thereby ended without a failure
  // was stopped, unless it is said to have won(). True: its row is to keep encode().
  bool note(const lifecycle::OwnerTask& was, const lifecycle::OwnerStep& step,
            const Places& places);
  // The attempt of that epoch has the result, also when another was live meanwhile.
  void won(Epoch epoch);
  // A live attempt began its body here, and is about to be given up.
  void began_here(Epoch epoch, NodeTime run_started);
  // A live attempt said so long ago that it runs elsewhere, and is about to be given up.
  void began_there(Epoch epoch, NodeTime said);
  // A live attempt ran here.
  void ran_here(Epoch epoch, NodeTime run_started, NodeTime run_ended, NodeTime now, Duration cpu);
  // A live attempt, offered at `offered`, ran elsewhere. The lessee measured durations on its own
  // clock; its interval is centred in the time between the OFFER and now, so that half of what is
  // not accounted for is travel each way.
  void ran_there(Epoch epoch, NodeTime offered, NodeTime now, const wire::AttemptReport& report);
  void count_bytes(std::uint64_t up, std::uint64_t down);

  // Whether what the place says of that epoch may be so: it was granted to it, or it is told no
  // longer where, but that the place had another one.
  bool may_speak(const std::string& place, Epoch epoch) const;

  // Null before the first.
  const Attempt* last() const { return attempts_.empty() ? nullptr : &attempts_.back(); }
  void tell(TaskResult& result) const;
  sqlite::EncodedBytes encode(TaskId id) const;

 private:
  static void end(Attempt& attempt, FailureClass failure, NodeTime now);
  Attempt* of(Epoch epoch);
  void make_room();
  void begin(Epoch epoch, const std::string& place, NodeTime queued, NodeTime started);

  std::vector<Attempt> attempts_;  // oldest first; see make_room()
  Cost cost_;
};

}  // namespace spillway::owner
