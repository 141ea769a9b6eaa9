#include <algorithm>

#include "common/crypto/sha256.h"
#include "common/lessee/lessee.h"
#include "common/wire/codec.h"

namespace spillway::lessee {
namespace {

constexpr double kUnknownRun = 1.0;  // seconds a kind is taken for until it has run here

}  // namespace

void Lessee::start_ready() {
  if (draining_) return;
  start_from(queue_, false);
  start_from(blocking_queue_, true);
}

void Lessee::start_from(RunQueue& queue, bool blocking) {
  const auto may = [&](const std::string& owner) { return may_run_more(owner, queue, blocking); };
  while (const std::optional<TaskId> id = queue.next(now(), may)) {
    HeldTask& task = *find(*id);
    if (blocking ? claims_.blocking() >= threads() : !may_claim(task)) return;
    start(task, blocking);
  }
}

std::uint32_t Lessee::threads() const {
  return std::min<std::uint32_t>(options_.blocking, parts_.runner->blocking_width());
}

// While another waits, the last core is not for who has all others. Threads for what blocks are
// held for longer: those who wait for one have a part of them each, and where there is anybody else
// at all, the last one is kept for who comes.
bool Lessee::may_run_more(const std::string& name, const RunQueue& queue, bool blocking) const {
  const attempt::Claims::Share& runs = owners_.at(name).runs;
  const auto waiting = static_cast<std::uint32_t>(queue.owners());
  if (!blocking) return waiting < 2 || runs.cores < std::max(2U, parts_.runner->width()) - 1;
  const std::uint32_t part = waiting > 1          ? threads() / waiting
                             : owners_.size() > 1 ? threads() - 1
                                                  : threads();
  return runs.blocking < std::max(1U, part);
}

void Lessee::start(HeldTask& task, bool blocking) {
  lifecycle::LesseeStep step = lifecycle::on_start(task.state, task.terms, options_.boot, tick());
  const double predicted = predicted_run(task.kind);
  queue_of(task).take(task.waiting(task.state), predicted, now());
  task.started = now();
  task.run_epoch = step.next.epoch;
  apply(task, step);
  claims_.take(task.id, task.run_epoch, blocking, predicted, &owner_of(task.owner).runs);
  journal_.after([this, id = task.id, epoch = task.run_epoch] { run(id, epoch); });
}

bool Lessee::may_claim(const HeldTask& task) const {
  if (parts_.may_start) return parts_.may_start(task);
  const std::uint32_t width = parts_.runner->width();
  return claims_.running() < width ||
         claims_.may_go_ahead(*task.spec, task.crashed, predicted_run(task.kind), width);
}

double Lessee::predicted_run(const Kind* kind) const {
  auto known = mean_runs_.find(kind);
  return known == mean_runs_.end() ? kUnknownRun : known->second;
}

void Lessee::learn_run(const Kind* kind, double seconds) {
  mean_run_ = 0.95 * mean_run_ + 0.05 * seconds;
  auto [known, first] = mean_runs_.try_emplace(kind, seconds);
  // Up at once, down slowly: a kind whose runs differ is claimed by its long ones.
  if (!first) known->second = std::max(seconds, 0.95 * known->second + 0.05 * seconds);
}

void Lessee::run(TaskId id, Epoch epoch) {
  HeldTask* task = find(id);
  bool runs = task && task->state.state == lifecycle::LeaseState::running &&
              task->run_epoch == epoch && task->kind;
  // Stopped between its step and its commit.
  if (!runs) {
    free_core(id, epoch);
    return;
  }
  parts_.runner->run({id, epoch, task->kind, *task->spec},
                     [this](attempt::Outcome outcome) { on_outcome(std::move(outcome)); });
}

// The seconds it was predicted to run.
double Lessee::free_core(TaskId id, Epoch epoch) {
  const std::optional<double> predicted = claims_.free(id, epoch);
  if (predicted) parts_.wake();
  return predicted.value_or(0);
}

void Lessee::on_outcome(attempt::Outcome outcome) {
  const double predicted = free_core(outcome.id, outcome.epoch);
  HeldTask* task = find(outcome.id);
  journal_.after([begun = outcome.begun] {});
  if (task && task->kind) {
    const double ran = double((outcome.run_ended - outcome.run_started).count()) / 1e6;
    learn_run(task->kind, ran);
    queue_of(*task).correct(task->waiting(task->state), ran - predicted);
  }
  bool counts = task && task->state.state == lifecycle::LeaseState::running &&
                task->run_epoch == outcome.epoch;
  if (!counts) return;
  if (outcome.failure == FailureClass::none && outcome.value.size() > kInlineLimit) {
    outcome.failure = FailureClass::error;
    outcome.error = fail(Code::unsupported,
                         "the value has " + std::to_string(outcome.value.size()) +
                             " bytes; up to " + std::to_string(kInlineLimit) + " are supported");
  }
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
  keep_result(*task, task->state.epoch, std::move(item));
  apply(*task, lifecycle::on_finish(task->state, outcome.failure, tick()));
}

// What is kept until RESULT_ACK; in the ledger as a message of one item.
void Lessee::keep_result(HeldTask& task, Epoch epoch, wire::ResultItem item) {
  item.id = task.offered;
  item.epoch = epoch;
  item.message.resize(std::min<std::size_t>(item.message.size(), 1024));
  auto answer = std::make_shared<const wire::ResultItem>(std::move(item));
  wire::Message message;
  message.session = message.seq = 1;  // never sent as it is
  message.items.push_back(*answer);
  task.result = std::make_shared<const Bytes>(wire::encode(message));
  task.answer = std::move(answer);
  task.ended = now();
}

// From the ledger's bytes; false: they are not what was written.
bool Lessee::restore_result(HeldTask& task) {
  auto message = wire::decode_message(*task.result);
  const auto* item = message ? std::get_if<wire::ResultItem>(&message->items.front()) : nullptr;
  const bool good = item && (item->failure != FailureClass::none ||
                             crypto::sha256(item->value.bytes) == item->digest);
  if (good) task.answer = std::make_shared<const wire::ResultItem>(*item);
  return good;
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
  keep_result(task, was.epoch, std::move(item));
  journal_.update(task, was.state, was.epoch);
}

// Its result is on disk and goes to its owner, now and until that acknowledges it.
void Lessee::owe(HeldTask& task) {
  if (task.state.state != lifecycle::LeaseState::done || !task.answer) return;
  Owner& owner = owner_of(task.owner);
  owner.results.add(task.id, task.owed);
  join_line(owner);
}

void Lessee::join_line(Owner& owner) {
  if (owner.in_line || !owner.online || owner.results.empty()) return;
  owner.in_line = true;
  line_.push_back(&owner);
}

// One after the other, each as far as there is room: results wait in the ledger, not in a queue.
void Lessee::send_owed() {
  if (!parts_.up()) return;
  for (std::size_t left = line_.size(); left > 0; --left) {
    Owner& owner = *line_.front();
    line_.pop_front();
    owner.in_line = false;
    if (!send_owed(owner)) join_line(owner);
  }
}

// Whether all that is due has gone.
bool Lessee::send_owed(Owner& owner) {
  std::optional<bool> quiet;  // as it was before
  while (owner.online && !owner.results.empty()) {
    if (!quiet) quiet = !parts_.results_left || parts_.results_left(owner.name);
    const std::optional<TaskId> id = owner.results.next(now(), *quiet);
    if (!id) return true;
    HeldTask& task = *find(*id);
    // What it carries now is not on disk; that commit owes it anew.
    if (task.unsaved == 0 && !send_result(task)) return false;
    owner.results.on_sent(*id, task.owed, now());
  }
  return true;
}

bool Lessee::send_result(const HeldTask& task) const {
  wire::ResultItem item = *task.answer;
  item.report.since_accept = std::max(now() - task.accepted, Duration::zero());
  if (task.spec) item.trace = task.spec->trace;
  return parts_.send_result(task.owner, std::move(item));
}

}  // namespace spillway::lessee
