#include "tests/sim/checks.h"

#include <algorithm>
#include <bit>

namespace spillway::sim {
namespace {

using lifecycle::LeaseState;
using lifecycle::OwnerTask;

bool is_out(const OwnerTask& task, Epoch epoch) {
  return !is_terminal(task.state) && task.attempt(epoch) != nullptr;
}

bool is_success(const Checks::Heard& heard) { return heard.failure == FailureClass::none; }

OwnerTask without_leases(OwnerTask task) {
  for (lifecycle::LiveAttempt& one : task.live) one.lease_until = kNever;
  return task;
}

bool same_but_lease(const OwnerTask& a, const OwnerTask& b) {
  return without_leases(a) == without_leases(b);
}

}  // namespace

void Checks::begin(const Plan& plan) {
  plan_ = &plan;
  for (Record& record : record_) {
    std::vector<std::uint32_t> reuse = std::move(record.exposed);
    reuse.clear();
    record = {};
    record.exposed = std::move(reuse);
  }
  runs_.clear();
  grants_ = 0;
  failure_.clear();
}

void Checks::fail(const char* check, const std::string& message) {
  if (!failed()) failure_ = std::string(check) + ": " + message;
}

void Checks::expect(bool holds, const char* check, std::size_t task, const char* message) {
  if (!holds) fail(check, "task " + std::to_string(task) + ": " + message);
}

void Checks::owner_step(const OwnerEvent& event) {
  fences(event);
  if (event.cause == Cause::success) accepted_result(event);
  limits(event);
  outbox(event);
}

void Checks::fences(const OwnerEvent& event) {
  const OwnerTask& before = event.before.task;
  const OwnerTask& after = event.after.task;
  if (event.cause == Cause::retry && event.applied) {
    expect(before.state != TaskState::succeeded, "P2", event.task, "a success was retried");
  } else if (is_terminal(before.state)) {
    expect(after == before, "P2", event.task, "a terminal state changed without a retry");
  }
  if (event.cause == Cause::grant && event.applied) {
    expect(after.epoch.value == before.epoch.value + 1, "P3", event.task, "a grant is not epoch+1");
    const NodeTime wake = plan_->task[event.task].first.wake;
    expect(wake == kNever || after.since >= wake, "V3", event.task,
           "granted before its not_before");
  } else {
    expect(after.epoch == before.epoch, "P3", event.task, "an epoch moved without a grant");
  }
  if (is_ack(event.cause) && event.cause != Cause::success && !is_out(before, event.epoch)) {
    expect(after == before, "P4", event.task, "a message of an epoch not live changed the task");
  }
}

void Checks::accepted_result(const OwnerEvent& event) {
  const OwnerTask& before = event.before.task;
  if (event.before.result == event.after.result) {
    const bool refused = event.after.task == before;
    return expect(refused, "P1", event.task, "a success changed the task but left no result");
  }
  expect(event.before.result == kNoRun, "P1", event.task, "a second result was accepted");
  expect(event.after.task.state == TaskState::succeeded, "P1", event.task,
         "a result was kept for a task that has not succeeded");
  const bool real = event.run != kNoRun && event.run <= runs_.size() &&
                    runs_[event.run - 1].task == event.task && runs_[event.run - 1].succeeded;
  expect(real, "V1", event.task, "the accepted value is not one that a run of the task returned");
  const bool fenced = plan_->task[event.task].policy.effects != Effects::once ||
                      (event.epoch == before.epoch && event.epoch.value > 0);
  expect(fenced, "V2", event.task, "effects = once: a success of an older epoch was accepted");
}

void Checks::limits(const OwnerEvent& event) {
  const OwnerTask& task = event.after.task;
  const lifecycle::OwnerPolicy& policy = plan_->task[event.task].policy;
  expect(task.attempts <= policy.retry.max_attempts, "P8", event.task, "attempts over the maximum");
  expect(task.crashes <= lifecycle::kPoisonLimit, "P8", event.task, "crashes over the limit");
  const OwnerTask& before = event.before.task;
  const bool crashed = task.crashes > before.crashes && before.crashed_at != kNowhere;
  const bool poison = crashed && before.place() != before.crashed_at;
  expect(!poison || is_terminal(task.state), "P8", event.task,
         "crashes at two places, and it goes on");
  if (task.state != TaskState::failed || event.before.task.state == TaskState::failed) return;
  switch (task.last_failure) {
    case FailureClass::poison:
      return expect(task.crashes >= 2, "P8", event.task, "poison without crashes");
    case FailureClass::error:
      return expect(task.attempts == policy.retry.max_attempts, "P8", event.task,
                    "failed with attempts left");
    case FailureClass::timeout:
    case FailureClass::dependency:
    case FailureClass::disconnected: return;
    default: return fail("P8", "a task failed by what burns nothing");
  }
}

void Checks::outbox(const OwnerEvent& event) {
  const OwnerRow& before = event.before;
  const OwnerRow& after = event.after;
  const bool pending = offer_out(after.task) != Epoch{};
  expect(pending == (after.offer.value != 0), "P10", event.task,
         "an OFFER is pending without its outbox row, or the row outlived it");
  if (pending) {
    expect(after.offer == after.task.epoch, "P10", event.task, "the outbox row has another epoch");
  }
  if (before.offer.value == 0) return;
  const bool acked = is_ack(event.cause) && event.epoch == before.offer;
  if (after.offer == before.offer) {
    return expect(!acked, "P10", event.task, "its ack arrived and the outbox row stayed");
  }
  const bool closed = !is_out(after.task, before.offer);
  expect(acked || closed, "P10", event.task, "an outbox row went without its ack");
}

void Checks::same_again(std::size_t task, const OwnerTask& once, const OwnerTask& twice) {
  expect(same_but_lease(once, twice), "P7", task, "applying a message again changed the task");
}

void Checks::came_into_memory(std::size_t task, const OwnerRow& disk, const OwnerTask& read) {
  expect(same_but_lease(disk.task, read), "S1", task, "a row is read otherwise than written");
}

void Checks::kept(std::size_t task, const OwnerRow& row, RunId run) {
  expect(is_terminal(row.task.state), "P2", task, "it is told to have ended and has not");
  expect(run == row.result, "V1", task, "another value is kept than came");
}

void Checks::owner_disk(std::size_t task, const OwnerRow& row, const OwnerTask& disk,
                        bool in_outbox) {
  expect(same_but_lease(row.task, disk), "S1", task, "the disk has another state than memory had");
  expect(in_outbox == (row.offer.value > 0), "P10", task,
         "on disk, an OFFER is pending without its outbox row, or the row outlived it");
}

void Checks::owner_commit(std::size_t task, const OwnerRow& old, const OwnerRow& now) {
  Record& record = record_[task];
  const bool retried = now.retries != old.retries;
  if (is_terminal(old.task.state) && old.task != now.task) {
    expect(retried, "P2", task, "a terminal state on disk changed without a retry");
  }
  if (old.result != kNoRun) {
    expect(old.result == now.result && now.task.state == TaskState::succeeded, "P1", task,
           "an accepted result on disk changed");
  }
  const bool anew = retried && now.task.attempts < old.task.attempts;
  const bool well = retried && now.task.crashes < old.task.crashes;
  record.counted_failures +=
      now.task.attempts - (anew ? 0 : std::min(old.task.attempts, now.task.attempts));
  record.counted_crashes +=
      now.task.crashes - (well ? 0 : std::min(old.task.crashes, now.task.crashes));
  expect(record.counted_failures <= record.real_failures, "P8", task,
         "more attempts were burnt than runs failed");
  expect(record.counted_crashes <= record.real_crashes, "P8", task,
         "more crashes were counted than happened");
}

void Checks::owner_dies(std::size_t task, const OwnerRow& disk) {
  if (disk.task.attempt_at(kHere)) {
    ++record_[task].real_crashes;
  }
}

void Checks::exposed(std::size_t task, Epoch epoch, const OwnerRow& disk) {
  Record& record = record_[task];
  if (record.exposed.size() <= epoch.value) record.exposed.resize(epoch.value + 1, 0);
  std::uint32_t& grant = record.exposed[epoch.value];
  if (grant == 0) grant = disk.grant;
  expect(grant == disk.grant, "P3", task, "two grants went out under one epoch");
}

void Checks::offered(std::size_t task, const wire::Offer& offer, const OwnerRow& disk) {
  expect(disk.offer == offer.epoch && disk.task.epoch == offer.epoch, "P6", task,
         "an OFFER leaves before its grant is on the disk");
  expect(disk.task.settled == offer.settled, "P8", task,
         "an OFFER says otherwise than the disk which failures were counted");
  exposed(task, offer.epoch, disk);
}

void Checks::starts_local(std::size_t task, Epoch epoch, const OwnerRow& disk) {
  expect(disk.task.state == TaskState::running && disk.task.epoch == epoch, "P6", task,
         "user code starts before `running` is on the disk");
  exposed(task, epoch, disk);
}

void Checks::told(std::size_t task, TaskState outcome, std::uint32_t retries,
                  const OwnerRow& disk) {
  const bool true_now = disk.task.state == outcome || disk.retries > retries;
  expect(true_now, "P6", task, "a waiter was told an outcome that the disk does not have");
}

void Checks::acked(std::size_t task, const wire::ResultAck& ack, const std::vector<Heard>& heard,
                   const OwnerRow& disk) {
  const bool applied = ack.verdict == wire::ResultVerdict::accepted;
  const bool claims = applied || ack.verdict == wire::ResultVerdict::duplicate;
  const auto is_true = [&](const Heard& one) {
    if (one.failure != FailureClass::none) return !applied || disk.task.settled >= one.epoch;
    return !claims || (disk.result != kNoRun && (!applied || disk.result == one.run));
  };
  if (std::none_of(heard.begin(), heard.end(), is_true)) {
    const bool other = disk.result != kNoRun && std::all_of(heard.begin(), heard.end(), is_success);
    if (other) {
      return expect(false, "P1", task, "a RESULT was called accepted but another one is kept");
    }
    return expect(false, "P6", task, "a RESULT was acknowledged before it was on the disk");
  }
  const auto kept = std::find_if(heard.begin(), heard.end(), [&](const Heard& one) {
    return applied && is_success(one) && one.run == disk.result;
  });
  if (kept == heard.end()) return;
  Record& record = record_[task];
  expect(record.acked == kNoRun || record.acked == kept->run, "P1", task,
         "two results were acknowledged as accepted");
  record.acked = kept->run;
}

void Checks::after_link_down(std::size_t task, const OwnerRow& row) {
  expect(offer_out(row.task) == Epoch{}, "P13", task,
         "waits for the other side while disconnected");
}

void Checks::lessee_step(std::size_t task, LesseeCause cause, Epoch epoch, const LesseeRow& before,
                         const LesseeRow& after) {
  if (!before.exists) return;
  expect(after.task.epoch >= before.task.epoch, "P3", task, "the lessee's epoch went down");
  if (epoch < before.task.epoch && cause != LesseeCause::time) {
    expect(after.task == before.task, "P4", task, "the lessee heeded an older epoch");
  }
  if (before.task.state != LeaseState::done || after.task.state == LeaseState::done) return;
  const bool acked = cause == LesseeCause::result_ack && epoch == before.task.epoch;
  const bool superseded = cause == LesseeCause::offer && epoch > before.task.epoch &&
                          before.task.failure != FailureClass::none;
  expect(acked || superseded, "P10", task, "a RESULT left the ledger without its ack");
}

void Checks::lessee_disk(std::size_t task, const LesseeRow& row,
                         const lifecycle::LesseeTask& disk) {
  lifecycle::LesseeTask memory = row.task;
  memory.lease_until = disk.lease_until;
  expect(memory == disk, "S1", task, "the ledger has another state than memory had");
}

void Checks::same_again(std::size_t task, const LesseeRow& once, const LesseeRow& twice) {
  expect(once.exists == twice.exists && once.task == twice.task, "P7", task,
         "the lessee took a repeated message for a new one");
}

void Checks::lessee_dies(const LesseeRow& disk, std::size_t task) {
  if (disk.exists && disk.task.state == LeaseState::running) ++record_[task].real_crashes;
}

void Checks::starts_leased(std::size_t task, RunId run, const LesseeRow& disk) {
  expect(disk.task.state == LeaseState::running && disk.run == run, "P6", task,
         "leased user code starts before `running` is on the disk");
  Record& record = record_[task];
  const std::size_t epoch = disk.task.epoch.value;
  if (record.ran.size() <= epoch) record.ran.resize(epoch + 1, false);
  expect(!record.ran[epoch] || record.forgotten, "V3", task,
         "the lessee ran user code twice under one epoch");
  record.ran[epoch] = true;
}

void Checks::lessee_tells(std::size_t task, Epoch epoch, const LesseeRow& memory,
                          const LesseeRow& disk) {
  const bool dropped = !memory.exists || memory.task.epoch < epoch;
  const bool durable = disk.exists && disk.task.epoch >= epoch;
  expect(dropped || durable, "P6", task, "the lessee speaks of a row that is not on its disk");
}

void Checks::answers(std::size_t task, const wire::ResultItem& result, const LesseeRow& disk) {
  const bool success = result.failure == FailureClass::none;
  if (disk.task.epoch != result.epoch || disk.task.state != LeaseState::done) {
    return expect(!success, "P6", task, "a value leaves that is not in the ledger");
  }
  const bool same =
      result.failure == disk.task.failure && (!success || run_of(result.value.bytes) == disk.run);
  expect(same, "P6", task, "a RESULT says otherwise than the ledger");
}

void Checks::lessee_owes(std::size_t task, FailureClass failure, const LesseeRow& disk) {
  const bool remembered =
      disk.exists && disk.task.state == LeaseState::answered && disk.task.failure == failure;
  expect(remembered || record_[task].forgotten, "P6", task,
         "the lessee remembers a failure that is not on its disk");
}

RunId Checks::begin_run(std::size_t task) {
  runs_.push_back({task, false});
  return static_cast<RunId>(runs_.size());
}

void Checks::run_ended(RunId run, FailureClass failure) {
  runs_[run - 1].succeeded = failure == FailureClass::none;
}

}  // namespace spillway::sim
