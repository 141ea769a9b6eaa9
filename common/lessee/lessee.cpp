#include "common/lessee/lessee.h"

#include <algorithm>
#include <map>

#include "common/base/damage.h"
#include "common/runner/value_limit.h"
#include "common/wire/codec.h"

namespace spillway::lessee {
namespace {

constexpr Duration kRetryCommit = std::chrono::seconds(1);
constexpr Duration kPruneEvery = std::chrono::seconds(10);
constexpr Duration kTombstoneAge = std::chrono::hours(24);
constexpr std::size_t kPruneSlice = 1024;

}  // namespace

Lessee::Lessee(Options options, Parts parts, const ledger::LedgerRecovered& recovered)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      timeline_(*parts_.clock, recovered.last_seen),
      journal_(*parts_.ledger,
               {.failed = [this](const Error& error) { on_ledger_failed(error); },
                .gathered = [this] { flush(); },
                .committed = [this] { on_committed(); }},
               {.settled = [this](TaskId) { table_.bury(options_.tombstones); },
                .refused = [this](TaskId id, const Error& why) { on_refused(id, why); }}),
      table_({parts_.own, parts_.random}, options_.keep_results),
      cores_(options_, parts_, table_),
      answers_(parts_, table_, timeline_),
      beats_(parts_, table_, timeline_),
      rooms_(parts_, table_) {}

void Lessee::start(const ledger::LedgerRecovered& recovered, std::function<void()> durable) {
  for (const ledger::LedgerRow& row : recovered.answered) adopt(row);
  for (const ledger::LedgerRow& row : recovered.held) recover(row);
  say_damaged(0);
  rooms_.begin(room());
  journal_.session(recovered.session + 1);
  journal_.after(std::move(durable));
  parts_.wake();
}

// Adopts a row and goes on from it, at a start or after the disk refused its steps. What the kill
// may have interrupted is answered as a crash; accepted work, and a body that never began, waits to
// run, or is handed back where its kind is not here; a result on disk is owed again.
void Lessee::recover(const ledger::LedgerRow& row) {
  HeldTask& task = adopt(row);
  if (task.result && !restore_answer(task)) lose_result(task);
  lifecycle::LesseeStep step = lifecycle::recover_lessee(
      task.state, options_.boot, parts_.runner->may_have_begun(row.id), task.terms.lease, tick());
  bool crashed = row.task.state == lifecycle::LeaseState::running &&
                 step.next.state == lifecycle::LeaseState::done;
  if (crashed) {
    task.crashed = true;
    wire::ResultItem item;
    item.failure = FailureClass::crash;
    item.message = options_.here + " stopped while it ran";
    keep(task, std::move(item));
  }
  apply(task, step);
  // The task's kind is not here, or not allowed, any more: the owner may find another place.
  if (task.state.state == lifecycle::LeaseState::accepted && !task.kind) {
    hand_back(task, options_.here + " does not run this kind any more");
  }
}

// A result that the disk has spoiled: that of a success is reported as a crash, for it may be had
// again by running again.
void Lessee::lose_result(HeldTask& task) {
  counters_.damaged += 1;
  const lifecycle::LesseeTask was = task.state;
  if (was.failure == FailureClass::none) task.state.failure = FailureClass::crash;
  wire::ResultItem item;
  item.failure = task.state.failure;
  item.message = options_.here + " lost the result";
  keep(task, std::move(item));
  journal_.update(task, was.state, was.epoch);
}

void Lessee::say_damaged(std::uint64_t before) const {
  if (counters_.damaged == before) return;
  parts_.alarm("results were damaged on disk: " + std::to_string(counters_.damaged - before) +
               "; their owners are told that they are lost, and may have them run again");
}

void Lessee::on_ledger_failed(const Error& error) {
  if (error.code == Code::corrupt) {
    // A damaged file is set aside and begun anew at a start, which a service manager sees to.
    parts_.alarm("the ledger's file is damaged; ending to start with what can be read of it: " +
                 error.message);
    end_to_salvage();
  }
  if (store_problem_.empty()) {
    parts_.alarm("the ledger cannot write, nothing is accepted until it can: " + error.message);
  }
  store_problem_ = error.message;
  retry_commit_ = now() + kRetryCommit;
  parts_.wake();
}

// Memory and disk disagree about one attempt: what is on disk is what another start would find.
void Lessee::on_refused(TaskId id, const Error& why) {
  if (HeldTask* task = table_.find(id)) {
    if (task->state.state == lifecycle::LeaseState::running) {
      parts_.runner->stop(id, task->run_epoch);
    }
    const lifecycle::LesseeTask was = task->state;
    task->state = {.state = lifecycle::LeaseState::answered};
    track(*task, was);
    table_.forget(*task);
  }
  // A row that is gone was answered long ago, and its owner may offer the task again.
  if (why.code != Code::not_found) {
    parts_.report("the ledger holds something else of one attempt, which goes on from there: " +
                  why.message);
  }
  reload(id);
}

void Lessee::reload(TaskId id) {
  const auto look = [this, id](const Result<std::optional<ledger::LedgerRow>>& row) {
    if (!row) {
      unread_.push_back(id);
      return;
    }
    if (!*row || table_.find(id)) return;
    if ((*row)->task.state != lifecycle::LeaseState::answered) {
      const std::uint64_t before = counters_.damaged;
      recover(**row);
      return say_damaged(before);
    }
    adopt(**row);
  };
  parts_.ledger->find(id, gate_.pass(look));
}

void Lessee::flush() { journal_.flush(now(), parts_.clock->wall_time()); }

void Lessee::on_committed() {
  if (!store_problem_.empty()) parts_.report("the ledger writes again");
  store_problem_.clear();
  retry_commit_ = kNever;
  for (TaskId id : std::exchange(unread_, {})) reload(id);
  parts_.wake();
}

// Memory forgets the tombstones that the ledger forgot.
void Lessee::prune() {
  next_prune_ = now() + kPruneEvery;
  if (pruning_) return;
  pruning_ = true;
  const auto forget = [this](const Result<std::vector<TaskId>>& removed) {
    pruning_ = false;
    parts_.wake();
    if (!removed) return;
    if (removed->size() == kPruneSlice) next_prune_ = now();
    for (TaskId id : *removed) {
      HeldTask* task = table_.find(id);
      const bool over =
          task && task->unsaved == 0 && task->state.state == lifecycle::LeaseState::answered;
      if (over) table_.forget(*task);
    }
  };
  parts_.ledger->prune(now() - kTombstoneAge, options_.tombstones, kPruneSlice, gate_.pass(forget));
}

TaskId Lessee::id_of(const std::string& owner, TaskId offered) {
  const HeldTask* task = table_.find(owner, offered);
  return task ? task->id : offered;
}

TaskId Lessee::offered_as(TaskId id) const {
  const HeldTask* task = table_.find(id);
  return task ? task->offered : id;
}

// Takes a row into memory as the disk has it: no step is taken, nothing is written. A spec that the
// disk has spoiled reads as an empty one, which no kind runs.
HeldTask& Lessee::adopt(const ledger::LedgerRow& row) {
  HeldTask task;
  task.id = row.id;
  task.offered = row.offered();
  task.owner = row.device;
  task.state = row.task;
  task.spec_digest = row.spec_digest;
  task.spec_bytes = row.spec;
  task.result = row.result;
  task.accepted = task.ended = row.accepted;
  task.past = row.past;
  if (row.past.ended != NodeTime{}) task.ended = row.past.ended;
  task.started = row.past.started;
  task.band = row.past.band;
  task.crashed = row.task.failure == FailureClass::crash;
  if (row.spec) {
    Result<TaskSpec> spec = wire::decode_spec_in_place(row.spec);
    task.spec = std::make_shared<const TaskSpec>(spec ? *std::move(spec) : TaskSpec{});
    task.kind = parts_.kind(task.spec->kind);
    task.band = task.spec->band;
    task.tenant = task.spec->tenant;
    task.terms.effects = task.spec->effects;
    task.terms.run_timeout = task.spec->run_timeout.value_or(std::chrono::milliseconds(0));
    task.terms = limited(task.terms);
    // An earlier version did not write down when it ended, and now is not when.
    if (task.state.state == lifecycle::LeaseState::done && task.past.kind.empty()) {
      task.past.kind = task.spec->kind.name;
      task.past.band = task.band;
    }
  }
  HeldTask& added = table_.put(std::move(task));
  cores_.track(added, {.state = lifecycle::LeaseState::answered});
  if (parts_.changed) parts_.changed(added);
  return added;
}

// Notes how a run went as it ends: once it is answered nothing else tells.
void Lessee::note_past(HeldTask& task) const {
  if (task.held()) task.past = {};
  if (task.held() || !task.spec || !task.past.kind.empty()) return;
  task.past = {task.spec->kind.name, task.band, task.started, now()};
  if (task.answer) {
    task.past.ran = task.answer->report.ran;
    task.past.cpu = task.answer->report.cpu;
  } else if (task.started != NodeTime{}) {
    task.past.ran = now() - task.started;  // until its owner had it stopped
  }
}

// Takes a step that the machine decided on the task's present state. Memory comes first (state,
// counts, timers), then the journal, but for a mere renewal of the lease; then what the step asks
// for: a stop at once, ACCEPT once the row's steps are durable and unless they were refused, RESULT
// once all that gathered is durable. An answered task has lost its spec and its result by then.
void Lessee::apply(HeldTask& task, const lifecycle::LesseeStep& step) {
  if (step.verdict == lifecycle::Verdict::applied) {
    lifecycle::LesseeTask was = task.state;
    task.state = step.next;
    note_past(task);
    if (task.state.state == lifecycle::LeaseState::answered) {
      task.spec.reset();
      task.spec_bytes.reset();
      task.result.reset();
      task.answer.reset();
    }
    track(task, was);
    bool renewal = was.state == step.next.state && was.epoch == step.next.epoch;
    if (!renewal) journal_.update(task, was.state, was.epoch);
  }
  if (step.act.stop) parts_.runner->stop(task.id, task.run_epoch);
  if (step.act.send_accept) {
    const wire::Accept accept{task.offered, step.next.epoch};
    journal_.after(task.id, [this, owner = task.owner, accept] { parts_.send_ack(owner, accept); });
  }
  if (step.act.send_result) {
    journal_.after([this, id = task.id] {
      if (HeldTask* done = table_.find(id)) answers_.owe(*done);
    });
  }
  parts_.wake();
}

// Keeps what is known of the task in step with its state.
void Lessee::track(HeldTask& task, const lifecycle::LesseeTask& was) {
  table_.track(task, was);
  cores_.track(task, was);
  if (parts_.changed) parts_.changed(task);
}

void Lessee::keep(HeldTask& task, wire::ResultItem item) {
  keep_answer(task, task.state.epoch, std::move(item), now());
}

// Counts results that nobody took for as long as they are kept, in the ledger, too.
void Lessee::count_given_up(const std::string& owner, std::uint64_t results) {
  counters_.given_up += results;
  const Duration wall = parts_.clock->wall_time();
  const LossKey what{DataClass::results, LossCause::age, loss_period(now())};
  journal_.lost(owner, {what, wall, wall, results, results});
  if (parts_.lost) journal_.after([this, owner] { parts_.lost(owner); });
}

void Lessee::on_time(HeldTask& task) {
  const lifecycle::LesseeStep step = lifecycle::on_lessee_time(task.state, tick());
  if (step.next.state == lifecycle::LeaseState::done) {
    wire::ResultItem item;
    item.failure = step.next.failure;
    item.code = Code::timeout;
    const bool asked = task.spec && task.spec->run_timeout == task.terms.run_timeout;
    item.message = asked ? "the run timeout passed"
                         : "it ran longer than " + options_.here + " allows (max_run)";
    keep(task, std::move(item));
  }
  apply(task, step);
}

void Lessee::on_timers() {
  const NodeTime time = now();
  std::map<std::string, std::uint64_t> given_up;
  while (HeldTask* task = table_.due(time)) {
    if (task->state.state == lifecycle::LeaseState::done) {
      given_up[task->owner] += 1;
      apply(*task, lifecycle::on_result_ack(task->state, task->state.epoch, tick()));
    } else {
      on_time(*task);
    }
  }
  for (const auto& [owner, results] : given_up) count_given_up(owner, results);
  if (time >= retry_commit_) {
    retry_commit_ = kNever;
    journal_.retry();
  }
  beats_.on_timers();
  if (time >= next_prune_) prune();
}

void Lessee::look_for_shortage() {
  if (!parts_.shortage) return;
  std::string now_short = parts_.shortage().value_or("");
  if (now_short.empty() != shortage_.empty()) {
    parts_.report(now_short.empty() ? "offers are taken again"
                                    : "offers are refused as busy: " + now_short);
  }
  shortage_ = std::move(now_short);
}

NodeTime Lessee::cycle() {
  door_.enter();
  look_for_shortage();
  on_timers();
  while (HeldTask* task = draining_ ? nullptr : cores_.next(now())) start(*task);
  answers_.send();
  rooms_.tell(room(), now());
  flush();
  return std::min({table_.next_timer(), retry_commit_, beats_.due(), answers_.due(), next_prune_,
                   rooms_.due(now())});
}

void Lessee::each(const std::function<void(const HeldTask&)>& look) const {
  door_.enter();
  table_.each(look);
}

Duration Lessee::waited() const {
  const NodeTime oldest = cores_.oldest();
  return oldest == kNever ? Duration::zero() : now() - oldest;
}

// Starts an attempt that cores_.next() named: it claims its core, steps to `running`, and its body
// begins once that is on disk, so that no row says of a body that began that it waits. `run` tells
// this run from a later one of the same task.
void Lessee::start(HeldTask& task) {
  const lifecycle::LesseeStep step =
      lifecycle::on_start(task.state, task.terms, options_.boot, tick());
  task.started = now();
  task.run_epoch = step.next.epoch;
  task.run = ++runs_;
  cores_.claim(task, task.run_epoch, now());
  apply(task, step);
  journal_.after(
      [this, id = task.id, epoch = task.run_epoch, number = task.run] { run(id, epoch, number); });
}

void Lessee::run(TaskId id, Epoch epoch, std::uint64_t run) {
  HeldTask* task = table_.find(id);
  bool runs =
      task && task->state.state == lifecycle::LeaseState::running && task->run == run && task->kind;
  // Stopped between its step and its commit.
  if (!runs) {
    if (cores_.free(id, epoch)) parts_.wake();
    return;
  }
  parts_.runner->run(
      {id, epoch, task->kind, *task->spec},
      gate_.pass([this, run](runner::Outcome outcome) { on_outcome(run, std::move(outcome)); }));
}

// A body ended. Its core is free whatever became of the task meanwhile, and what it took is
// learned. Its mark stays until the next commit, which is the one that the result is in. The result
// counts only if the task is `running` this very run.
void Lessee::on_outcome(std::uint64_t run, runner::Outcome outcome) {
  const std::optional<double> predicted = cores_.free(outcome.id, outcome.epoch);
  if (predicted) parts_.wake();
  HeldTask* task = table_.find(outcome.id);
  journal_.after([begun = outcome.begun] {});
  if (task && task->kind) {
    const double ran = double((outcome.run_ended - outcome.run_started).count()) / 1e6;
    cores_.learn(*task, ran, predicted.value_or(0));
  }
  bool counts = task && task->state.state == lifecycle::LeaseState::running && task->run == run;
  if (!counts) return;
  runner::limit_value(outcome);
  wire::ResultItem item;
  item.failure = outcome.failure;
  if (outcome.error) {
    item.code = outcome.error->code;
    item.message = outcome.error->message;
  }
  item.value.bytes = std::move(outcome.value);
  item.digest = outcome.digest;
  item.report.queued = std::max(task->started - task->accepted, Duration::zero()) +
                       (outcome.run_started - outcome.submitted);
  item.report.fetched = Duration::zero();
  item.report.ran = outcome.run_ended - outcome.run_started;
  item.report.cpu = outcome.cpu;
  (outcome.failure == FailureClass::none ? counters_.done : counters_.failed) += 1;
  keep(*task, std::move(item));
  apply(*task, lifecycle::on_finish(task->state, outcome.failure, tick()));
}

void Lessee::hand_back(HeldTask& task, const std::string& why) {
  wire::ResultItem item;
  item.failure = FailureClass::interrupted;
  item.message = why;
  keep(task, std::move(item));
  apply(task, lifecycle::on_finish(task.state, FailureClass::interrupted, tick()));
}

bool Lessee::cancel(TaskId id) {
  HeldTask* task = table_.find(id);
  if (!task || !task->held()) return false;
  wire::ResultItem item;
  item.failure = FailureClass::error;
  item.code = Code::cancelled;
  item.message = "an operator of " + options_.here + " cancelled it";
  keep(*task, std::move(item));
  lifecycle::LesseeStep step = lifecycle::on_finish(task->state, FailureClass::error, tick());
  step.act.stop = task->state.state == lifecycle::LeaseState::running;
  apply(*task, step);
  return true;
}

void Lessee::drain() {
  draining_ = true;
  std::vector<TaskId> waiting;
  cores_.each_waiting([&waiting](TaskId id) { waiting.push_back(id); });
  for (TaskId id : waiting) hand_back(table_.at(id), options_.here + " is going away");
  rooms_.hurry(now());
  parts_.wake();
}

void Lessee::resume() {
  draining_ = false;
  rooms_.hurry(now());
  parts_.wake();
}

void Lessee::set_max_queue(std::uint32_t attempts) {
  options_.max_queue = attempts;
  rooms_.hurry(now());
  parts_.wake();
}

void Lessee::set_uplink(std::uint64_t bytes_per_second) {
  options_.uplink = bytes_per_second;
  rooms_.hurry(now());
  parts_.wake();
}

}  // namespace spillway::lessee
