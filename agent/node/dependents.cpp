#include "agent/node/dependents.h"

#include <algorithm>

namespace spillway::agent {
namespace {

constexpr Duration kTryAgain = std::chrono::seconds(1);

}  // namespace

// One question: which of these have not ended?
struct Dependents::Asking {
  std::vector<TaskId> after;
  std::function<void(Result<Unfinished>)> then;
  std::size_t next = 0;
  Unfinished unfinished;
};

void Dependents::unfinished(const std::vector<TaskId>& after,
                            std::function<void(Result<Unfinished>)> then) {
  ask(std::make_shared<Asking>(Asking{after, std::move(then), 0, {}}));
}

// Goes through the parents: those in memory at once, the others one at a time by the disk, from
// where take() comes back here. ended_ has who ended meanwhile; if one of those found unfinished is
// among them, all is asked anew, so that the answer holds at its moment.
void Dependents::ask(const std::shared_ptr<Asking>& asking) {
  for (; asking->next < asking->after.size(); ++asking->next) {
    const std::uint64_t parent = asking->after[asking->next].seq;
    const owner::OwnedTask* live = owner_.find(parent);
    if (live && !is_terminal(live->state.state)) {
      asking->unfinished.push_back(parent);
      continue;
    }
    // While the disk is asked, parents found unfinished before may end and release whom they know.
    if (looking_up_++ == 0) ended_.clear();
    return store_.find(parent, gate_.pass([this, asking, parent](const auto& found) {
      take(asking, parent, found);
    }));
  }
  asking->then(std::move(asking->unfinished));
}

void Dependents::take(const std::shared_ptr<Asking>& asking, std::uint64_t parent,
                      const Result<store::TaskDetail>& found) {
  looking_up_ -= 1;
  if (!found) return asking->then(found.error());
  const bool missed = std::any_of(asking->unfinished.begin(), asking->unfinished.end(),
                                  [this](std::uint64_t seq) { return ended_.contains(seq); });
  if (missed) {
    asking->next = 0;
    asking->unfinished.clear();
    return ask(asking);
  }
  TaskState state = found->row.task.state;
  if (const owner::OwnedTask* live = owner_.find(parent)) state = live->state.state;
  if (is_terminal(state) && state != TaskState::succeeded) {
    return asking->then(fail(Code::conflict, "after: task " + to_string(owner_.id_of(parent)) +
                                                 " is " + std::string(to_string(state))));
  }
  if (!is_terminal(state)) asking->unfinished.push_back(parent);
  asking->next += 1;
  ask(asking);
}

void Dependents::may_run_anew(std::vector<TaskId> after, std::function<void(Status)> then) {
  if (after.empty()) return then({});
  const TaskId parent = after.back();
  after.pop_back();
  const auto look = [this, parent, after = std::move(after),
                     then = std::move(then)](const Result<store::TaskDetail>& found) {
    // A parent that is gone was kept for its retention: that long ago, it succeeded or nobody
    // cares.
    if (found && found->row.task.state != TaskState::succeeded) {
      return then(fail(Code::conflict, "it comes after task " + to_string(parent) +
                                           ", which did not succeed (yet): see to that first"));
    }
    may_run_anew(after, then);
  };
  store_.find(parent.seq, gate_.pass(look));
}

void Dependents::on_ended(const owner::OwnedTask& task) {
  if (looking_up_ > 0) ended_.insert(task.seq);
  if (!anybody_ && asked_) return;
  const bool succeeded = task.state.state == TaskState::succeeded;
  owner_.journal().after(task.seq, [this, seq = task.seq, succeeded](const Error* refused) {
    if (!refused) release(seq, succeeded);
  });
}

void Dependents::release_ended(std::uint64_t after) {
  store_.ended_parent(after, gate_.pass([this](const Result<store::EndedParent>& ended) {
    if (!ended) return try_again();
    asked_ = true;
    anybody_ = anybody_ || ended->anyone_waits;
    if (ended->seq == 0) return;
    release(ended->seq, ended->succeeded);
    release_ended(ended->seq);
  }));
}

// The disk did not say who waits: whoever does is found by asking for all that ended.
void Dependents::try_again() {
  retry_ = owner_.now() + kTryAgain;
  wake_();
}

void Dependents::on_timer() {
  if (owner_.now() < retry_) return;
  retry_ = kNever;
  release_ended(0);
}

void Dependents::release(std::uint64_t seq, bool succeeded) {
  // Released twice, a task would start before the others it waits for.
  if (!releasing_.insert(seq).second) return;
  const auto take = [this, seq, succeeded](const Result<std::vector<store::TaskRow>>& rows) {
    if (!rows) {
      releasing_.erase(seq);
      return try_again();
    }
    owner_.journal().after([this, seq] { releasing_.erase(seq); });
    if (rows->empty()) return wake_();
    // In one batch with the steps of those who waited, so that a restart finds all or nothing.
    owner_.journal().dependencies_done(seq);
    for (const store::TaskRow& row : *rows) {
      owner::OwnedTask* task = owner_.adopt(row);
      if (!task) continue;
      owner_.apply(*task, lifecycle::on_dependency(task->state, succeeded, owner_.tick()),
                   {"a task it came after did not succeed", Code::conflict});
      owner_.settle(row.seq);
    }
  };
  store_.dependents(seq, gate_.pass(take));
}

}  // namespace spillway::agent
