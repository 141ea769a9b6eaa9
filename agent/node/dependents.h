#pragma once

#include <cstdint>
#include <functional>
#include <unordered_set>
#include <vector>

#include "common/base/gate.h"
#include "common/owner/owner.h"

namespace spillway::agent {

// Tasks that come after others: which of those a new one still has to wait for, and whom an end
// releases. The disk knows who waits; nothing of it is kept in memory. Loop only.
class Dependents {
 public:
  using Unfinished = std::vector<std::uint64_t>;

  Dependents(store::OwnerStore& store, owner::Owner& owner, std::function<void()> wake)
      : store_(store), owner_(owner), wake_(std::move(wake)) {}

  // Tells which tasks of `after` have not ended, as of the moment of the answer. conflict: one
  // ended otherwise than in success; not_found.
  void unfinished(const std::vector<TaskId>& after, std::function<void(Result<Unfinished>)> then);
  // Whether a task that comes after these may run anew. conflict: one did not succeed.
  void may_run_anew(std::vector<TaskId> after, std::function<void(Status)> then);

  // A task was accepted that waits for others.
  void on_waiting() { anybody_ = true; }
  // A task ended; once that is on disk, whoever waits for it goes on.
  void on_ended(const owner::OwnedTask& task);
  // A stop may have come between the commit of a task's end and that of who waited for it.
  void release_ended() { release_ended(0); }

  NodeTime due() const { return retry_; }
  void on_timer();

 private:
  struct Asking;
  void ask(const std::shared_ptr<Asking>& asking);
  void take(const std::shared_ptr<Asking>& asking, std::uint64_t parent,
            const Result<store::TaskDetail>& found);
  void release_ended(std::uint64_t after);
  void release(std::uint64_t seq, bool succeeded);
  void try_again();

  store::OwnerStore& store_;
  owner::Owner& owner_;
  const std::function<void()> wake_;
  bool anybody_ = false;                         // somebody may wait for somebody
  bool asked_ = false;                           // the disk was asked who waits, since the start
  unsigned looking_up_ = 0;                      // look-ups under way
  std::unordered_set<std::uint64_t> ended_;      // tasks that ended meanwhile
  std::unordered_set<std::uint64_t> releasing_;  // whose dependents' steps are not durable
  NodeTime retry_ = kNever;
  Gate gate_;
};

}  // namespace spillway::agent
