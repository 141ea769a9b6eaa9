#include "agent/node/node.h"

namespace spillway::agent {

void Node::run_here(std::uint64_t seq, Epoch epoch) {
  owner::OwnedTask* task = owner_.find(seq);
  bool live = task && task->state.epoch == epoch && task->state.place == PlaceKind::local;
  if (!live || !task->kind) {
    // Ended between its grant and its commit: the core was counted as taken at the grant.
    return free_core(seq, epoch);
  }
  // The run timeout counts from here; the machine set it at the grant, one commit ago.
  parts_.runner->run({id_of(seq), epoch, task->kind, *task->spec},
                     [this](attempt::Outcome outcome) { on_outcome(std::move(outcome)); });
}

void Node::stop_here(TaskId id, Epoch epoch) { parts_.runner->stop(id, epoch); }

std::optional<NodeTime> Node::begun_here(TaskId id, Epoch epoch) const {
  const std::optional<Duration> begun = parts_.runner->begun(id, epoch);
  if (!begun) return std::nullopt;
  return now() - (parts_.clock->boot_time() - *begun);
}

bool Node::may_have_begun(TaskId id) const { return parts_.runner->may_have_begun(id); }

void Node::take_core(const owner::OwnedTask& task) {
  const bool blocking = task.kind && task.kind->traits.blocking;
  claims_.take(id_of(task.seq), task.state.epoch, blocking, predicted_run(task));
  if (blocking) return journal().hurry();
  new_claims_ += 1;
}

void Node::free_core(std::uint64_t seq, Epoch epoch) {
  if (claims_.free(id_of(seq), epoch)) parts_.wake();
}

void Node::on_outcome(attempt::Outcome outcome) {
  free_core(outcome.id.seq, outcome.epoch);
  std::uint64_t seq = outcome.id.seq;
  if (owner::OwnedTask* task = owner_.find(seq)) return take_outcome(*task, std::move(outcome));
  // It ended after it was given up, and its task has left memory; a late success still counts.
  with_task(
      seq, [](const wire::AnswerBody&) {},
      [this, outcome = std::move(outcome)](owner::OwnedTask& task) mutable {
        take_outcome(task, std::move(outcome));
      });
}

void Node::take_outcome(owner::OwnedTask& task, attempt::Outcome outcome) {
  bool live = task.state.epoch == outcome.epoch && task.state.place == PlaceKind::local;
  journal().whenever([begun = outcome.begun] {});
  if (live) note_local_times(task, outcome);
  if (outcome.failure == FailureClass::none && outcome.value.size() > kInlineLimit) {
    outcome.failure = FailureClass::error;
    outcome.error = fail(Code::unsupported,
                         "the value has " + std::to_string(outcome.value.size()) +
                             " bytes; up to " + std::to_string(kInlineLimit) + " are supported");
  }
  if (outcome.failure != FailureClass::none) {
    const Error error = outcome.error.value_or(fail(Code::cancelled, "stopped"));
    owner_.fail_attempt(task, outcome.epoch, outcome.failure, error, true);
    return;
  }
  if (live) learn_run(task, PlaceKind::local, outcome.run_ended - outcome.run_started);
  if (owner_.succeed(task, outcome.epoch) != lifecycle::Verdict::applied) return;
  counters_.done_local += 1;
  TaskResult result;
  result.value.bytes = std::move(outcome.value);
  result.digest = outcome.digest;
  owner_.finish(task, std::move(result));
}

void Node::note_local_times(owner::OwnedTask& task, const attempt::Outcome& outcome) {
  const NodeTime end = now() - (parts_.clock->boot_time() - outcome.run_ended);
  task.history.ran_here(end - (outcome.run_ended - outcome.run_started), end, now(), outcome.cpu);
}

}  // namespace spillway::agent
