#include "agent/node/local_place.h"

#include <algorithm>

#include "common/runner/value_limit.h"

namespace spillway::agent {
namespace {

constexpr double kDispatchedRun = 1.0;  // seconds that such a task is taken to run

bool runs_here(const owner::OwnedTask& task, Epoch epoch) {
  const lifecycle::LiveAttempt* out = task.state.attempt(epoch);
  return out && out->place == kHere;
}

bool is_blocking(const owner::OwnedTask& task) { return task.kind && task.kind->traits.blocking; }

}  // namespace

LocalPlace::LocalPlace(const NodeOptions& options, const NodeParts& parts, owner::Owner& owner,
                       Models& models, const DispatchedTasks& dispatched)
    : options_(options), parts_(parts), owner_(owner), models_(models), dispatched_(dispatched) {
  for (const Kind* kind : parts_.kinds->list()) kinds_.push_back(kind->ref());
}

placement::Place LocalPlace::place() const {
  placement::Place place;
  place.id = kHere;
  place.reachable = true;
  place.workers = parts_.runner->width();
  place.idle = place.workers - std::min(place.workers, claims_.running() + dispatched_.cores());
  place.memory = options_.memory;
  place.tags = options_.tags;
  place.kinds = kinds_;
  if (place.idle == 0) {
    place.queue = claims_.running() > place.workers ? wait_behind() : soonest_core();
  }
  return place;
}

placement::Estimate LocalPlace::wait_behind() const {
  const double wait = claims_.seconds() / parts_.runner->width();
  return {wait, 2 * wait};
}

// How long until one of the running attempts is due to end.
placement::Estimate LocalPlace::soonest_core() const {
  std::optional<double> soonest;
  claims_.each_running([&](TaskId id) {
    const owner::OwnedTask* task = owner_.find(id.seq);
    if (!task) return;
    const Duration left = task->predicted - (owner_.now() - task->state.since);
    const double seconds = double(left.count()) / 1e6;
    soonest = soonest ? std::min(*soonest, seconds) : seconds;
  });
  // All of them work for the cloud: nobody predicted for how long.
  const double wait = std::max(soonest.value_or(kDispatchedRun), 0.0);
  return {wait, 2 * wait};
}

// The threads for blocking kinds that are not kept for the cloud's tasks.
std::uint32_t LocalPlace::own_threads() const {
  const std::uint32_t all = parts_.runner->blocking_width();
  const std::uint32_t kept = options_.takes.empty() ? 0 : std::min(all, DispatchedTasks::kThreads);
  return std::max(1U, all - kept);
}

bool LocalPlace::may_claim_ahead(const owner::OwnedTask& task) const {
  const std::uint32_t width = parts_.runner->width();
  const std::uint32_t cores = width - std::min(width, dispatched_.cores());
  return claims_.may_go_ahead(*task.spec, task.state.crashes > 0, predicted_run(task), cores);
}

double LocalPlace::predicted_run(const owner::OwnedTask& task) const {
  return models_.placement().run_time(task.spec->kind.name, kHere, task.work, owner_.now()).high;
}

void LocalPlace::take_core(const owner::OwnedTask& task) {
  const bool blocking = is_blocking(task);
  claims_.take(owner_.id_of(task.seq), task.state.epoch, blocking, predicted_run(task));
  if (blocking) return owner_.journal().hurry();
  new_claims_ += 1;
}

void LocalPlace::free_core(std::uint64_t seq, Epoch epoch) {
  if (claims_.free(owner_.id_of(seq), epoch)) parts_.wake();
}

bool LocalPlace::waits_for_commit() const {
  const std::uint32_t busy = claims_.running() - new_claims_ + dispatched_.cores();
  return new_claims_ > 0 && busy < parts_.runner->width();
}

void LocalPlace::run_here(std::uint64_t seq, Epoch epoch) {
  const owner::OwnedTask* task = owner_.find(seq);
  if (!task || !task->kind || !runs_here(*task, epoch)) {
    // Ended between its grant and its commit: the core was counted as taken at the grant.
    return free_core(seq, epoch);
  }
  // The run timeout counts from here; the machine set it at the grant, one commit ago.
  parts_.runner->run(
      {owner_.id_of(seq), epoch, task->kind, *task->spec},
      gate_.pass([this](runner::Outcome outcome) { on_outcome(std::move(outcome)); }));
}

void LocalPlace::stop_here(TaskId id, Epoch epoch) { parts_.runner->stop(id, epoch); }

std::optional<NodeTime> LocalPlace::begun_here(TaskId id, Epoch epoch) const {
  const std::optional<Duration> begun = parts_.runner->begun(id, epoch);
  return begun ? std::optional(on_line(*begun)) : std::nullopt;
}

bool LocalPlace::may_have_begun(TaskId id) const { return parts_.runner->may_have_begun(id); }

NodeTime LocalPlace::on_line(Duration boot_time) const {
  return owner_.now() - (parts_.clock->boot_time() - boot_time);
}

void LocalPlace::on_outcome(runner::Outcome outcome) {
  const std::uint64_t seq = outcome.id.seq;
  free_core(seq, outcome.epoch);
  if (owner::OwnedTask* task = owner_.find(seq)) return take_outcome(*task, std::move(outcome));
  // The attempt ended after it was given up, and its task has left memory; a late success still
  // counts.
  const auto late = std::make_shared<runner::Outcome>(std::move(outcome));
  owner_.with_task(
      seq, [](const Error&) {},
      [this, late](owner::OwnedTask& task) { take_outcome(task, std::move(*late)); });
}

// An attempt here ended, be it the live one or one that was given up; its core is free by now. The
// owner says whether it counts; times and what it took are learned from the live one alone. Its
// mark stays until the next commit, in which the outcome is.
void LocalPlace::take_outcome(owner::OwnedTask& task, runner::Outcome outcome) {
  const bool live = runs_here(task, outcome.epoch);
  const Duration ran = outcome.run_ended - outcome.run_started;
  owner_.journal().whenever([begun = outcome.begun] {});
  if (live) {
    const NodeTime end = on_line(outcome.run_ended);
    task.history.ran_here(outcome.epoch, end - ran, end, owner_.now(), outcome.cpu);
  }
  runner::limit_value(outcome);
  if (outcome.failure != FailureClass::none) {
    const Error error = outcome.error.value_or(fail(Code::cancelled, "stopped"));
    owner_.fail_attempt(task, outcome.epoch, outcome.failure, error, true);
    return;
  }
  if (live) models_.learn_run(task, kHere, ran, owner_.now());
  if (owner_.succeed(task, outcome.epoch) != lifecycle::Verdict::applied) return;
  done_ += 1;
  TaskResult result;
  result.value.bytes = std::move(outcome.value);
  result.digest = outcome.digest;
  owner_.finish(task, std::move(result));
}

}  // namespace spillway::agent
