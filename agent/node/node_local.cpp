#include "agent/node/node.h"

namespace spillway::agent {

void Node::start_local(std::uint64_t seq, Epoch epoch) {
  LiveTask* task = table_.find(seq);
  bool live = task && task->state.epoch == epoch && task->state.place == PlaceKind::local;
  if (!live || !task->kind) {
    // Ended between its grant and its commit: the core was counted as taken at the grant.
    return free_core(seq, epoch);
  }
  // The run timeout counts from here; the machine set it at the grant, one commit ago.
  parts_.runner->run({id_of(seq), epoch, task->kind, *task->spec},
                     [this](attempt::Outcome outcome) { on_outcome(std::move(outcome)); });
}

void Node::take_core(const LiveTask& task) {
  const bool blocking = task.kind && task.kind->traits.blocking;
  claims_.take(id_of(task.seq), task.state.epoch, blocking, predicted_run(task));
  if (blocking) return journal_.hurry();
  new_claims_ += 1;
}

void Node::free_core(std::uint64_t seq, Epoch epoch) {
  if (claims_.free(id_of(seq), epoch)) parts_.wake();
}

void Node::on_outcome(attempt::Outcome outcome) {
  free_core(outcome.id.seq, outcome.epoch);
  std::uint64_t seq = outcome.id.seq;
  if (LiveTask* task = table_.find(seq)) return take_outcome(*task, std::move(outcome));
  // It ended after it was given up, and its task has left memory; a late success still counts.
  with_task(
      seq, [](const wire::AnswerBody&) {},
      [this, outcome = std::move(outcome)](LiveTask& task) mutable {
        take_outcome(task, std::move(outcome));
      });
}

void Node::take_outcome(LiveTask& task, attempt::Outcome outcome) {
  bool live = task.state.epoch == outcome.epoch && task.state.place == PlaceKind::local;
  journal_.whenever([begun = outcome.begun] {});
  if (live) note_local_times(task, outcome);
  if (outcome.failure == FailureClass::none && outcome.value.size() > kInlineLimit) {
    outcome.failure = FailureClass::error;
    outcome.error = fail(Code::unsupported,
                         "the value has " + std::to_string(outcome.value.size()) +
                             " bytes; up to " + std::to_string(kInlineLimit) + " are supported");
  }
  if (outcome.failure != FailureClass::none) {
    Error error = outcome.error.value_or(fail(Code::cancelled, "stopped"));
    return apply(task,
                 lifecycle::on_failure(task.state, policy_after(task, error.code), outcome.epoch,
                                       outcome.failure, tick()),
                 {std::move(error.message), error.code});
  }
  if (live) {
    learn_run(task, PlaceKind::local, outcome.run_ended - outcome.run_started);
  }
  lifecycle::OwnerStep step = lifecycle::on_success(task.state, task.policy, outcome.epoch, tick());
  if (!step.act.keep_result) {
    counters_.duplicates += 1;
    return apply(task, step);
  }
  apply(task, step);
  task.history.won(outcome.epoch);
  counters_.done_local += 1;
  TaskResult result;
  result.value.bytes = std::move(outcome.value);
  result.digest = outcome.digest;
  finish(task, std::move(result));
}

// The same request fails the same way again: such errors use up all attempts at once.
lifecycle::OwnerPolicy Node::policy_after(const LiveTask& task, Code error) {
  lifecycle::OwnerPolicy policy = task.policy;
  if (error == Code::invalid_argument || error == Code::unsupported) policy.retry.max_attempts = 1;
  return policy;
}

// An attempt whose body still runs here when it is over for its task has run until now.
void Node::note_given_up(LiveTask& task, Epoch epoch) const {
  const std::optional<Duration> begun = parts_.runner->begun(id_of(task.seq), epoch);
  if (begun) task.history.began_here(now() - (parts_.clock->boot_time() - *begun));
}

void Node::note_local_times(LiveTask& task, const attempt::Outcome& outcome) {
  const NodeTime end = now() - (parts_.clock->boot_time() - outcome.run_ended);
  task.history.ran_here(end - (outcome.run_ended - outcome.run_started), end, now(), outcome.cpu);
}

}  // namespace spillway::agent
