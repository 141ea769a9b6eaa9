#include "common/lessee/lessee.h"

#include <algorithm>

#include "common/base/damage.h"
#include "common/wire/codec.h"

namespace spillway::lessee {
namespace {

constexpr Duration kRetryCommit = std::chrono::seconds(1);

}  // namespace

Lessee::Lessee(Options options, Parts parts, const ledger::LedgerRecovered& recovered)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      timeline_(*parts_.clock, recovered.last_seen),
      journal_(*parts_.ledger,
               {.failed = [this](const Error& error) { on_ledger_failed(error); },
                .gathered = [this] { flush(); },
                .committed = [this] { on_committed(); }},
               {.settled = [this](TaskId id) { settle(id); },
                .refused = [this](TaskId id, const Error& why) { on_refused(id, why); }}) {}

void Lessee::start(const ledger::LedgerRecovered& recovered, std::function<void()> durable) {
  for (const ledger::LedgerRow& row : recovered.answered) {
    adopt(row);
    tombstones_.push_back(row.id);
  }
  for (const ledger::LedgerRow& row : recovered.held) recover(row);
  say_damaged(0);
  told_ = room();
  journal_.session(recovered.session + 1);
  journal_.after(std::move(durable));
  parts_.wake();
}

void Lessee::recover(const ledger::LedgerRow& row) {
  HeldTask& task = adopt(row);
  if (task.result && !restore_result(task)) lose_result(task);
  lifecycle::LesseeStep step = lifecycle::recover_lessee(
      task.state, options_.boot, parts_.runner->may_have_begun(row.id), task.terms.lease, tick());
  bool crashed = row.task.state == lifecycle::LeaseState::running &&
                 step.next.state == lifecycle::LeaseState::done;
  if (crashed) {
    task.crashed = true;
    wire::ResultItem item;
    item.failure = FailureClass::crash;
    item.message = options_.here + " stopped while it ran";
    keep_result(task, task.state.epoch, std::move(item));
  }
  apply(task, step);
  // Its kind is not here, or not allowed, any more: the owner may find another place.
  if (task.state.state == lifecycle::LeaseState::accepted && !task.kind) {
    hand_back(task, options_.here + " does not run this kind any more");
  }
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
  if (HeldTask* task = find(id)) {
    if (task->state.state == lifecycle::LeaseState::running) {
      parts_.runner->stop(id, task->run_epoch);
    }
    const lifecycle::LesseeTask was = task->state;
    task->state = {.state = lifecycle::LeaseState::answered};
    track(*task, was);
    forget(*task);
  }
  // One that is gone was answered long ago, and its owner may offer it again.
  if (why.code != Code::not_found) {
    parts_.report("the ledger holds something else of one attempt, which goes on from there: " +
                  why.message);
  }
  reload(id);
}

void Lessee::reload(TaskId id) {
  parts_.ledger->find(id, [this, id](const Result<std::optional<ledger::LedgerRow>>& row) {
    if (!row) {
      unread_.push_back(id);
      return;
    }
    if (!*row || find(id)) return;
    if ((*row)->task.state != lifecycle::LeaseState::answered) {
      const std::uint64_t before = counters_.damaged;
      recover(**row);
      return say_damaged(before);
    }
    adopt(**row);
    tombstones_.push_back(id);
  });
}

void Lessee::flush() { journal_.flush(now(), parts_.clock->wall_time()); }

void Lessee::on_committed() {
  if (!store_problem_.empty()) parts_.report("the ledger writes again");
  store_problem_.clear();
  retry_commit_ = kNever;
  for (TaskId id : std::exchange(unread_, {})) reload(id);
  parts_.wake();
}

HeldTask* Lessee::find(TaskId id) {
  auto found = tasks_.find(id);
  return found == tasks_.end() ? nullptr : &found->second;
}

HeldTask* Lessee::find(const std::string& owner, TaskId offered) {
  HeldTask* task = find(offered);
  if (task && task->owner == owner && task->offered == offered) return task;
  if (renamed_.empty()) return nullptr;
  const auto renamed = renamed_.find({owner, offered});
  return renamed == renamed_.end() ? nullptr : find(renamed->second);
}

// For a task that is new here.
TaskId Lessee::name(const std::string& owner, TaskId offered) {
  TaskId id = offered;
  while (tasks_.contains(id) || (parts_.own && parts_.own(id))) id.origin.value = parts_.random();
  if (id != offered) renamed_[{owner, offered}] = id;
  return id;
}

TaskId Lessee::id_of(const std::string& owner, TaskId offered) {
  const HeldTask* task = find(owner, offered);
  return task ? task->id : offered;
}

TaskId Lessee::offered_as(TaskId id) {
  const HeldTask* task = find(id);
  return task ? task->offered : id;
}

Lessee::Owner& Lessee::owner_of(const std::string& name) {
  return owners_.try_emplace(name, name).first->second;
}

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
  task.crashed = row.task.failure == FailureClass::crash;
  if (row.spec) {
    Result<TaskSpec> spec = wire::decode_spec(*row.spec);
    task.spec = std::make_shared<const TaskSpec>(spec ? *std::move(spec) : TaskSpec{});
    task.kind = parts_.kind(task.spec->kind);
    task.band = task.spec->band;
    task.tenant = task.spec->tenant;
    task.terms.effects = task.spec->effects;
    task.terms.run_timeout = task.spec->run_timeout.value_or(std::chrono::milliseconds(0));
    task.terms = limited(task.terms);
  }
  if (row.named) renamed_[{row.device, row.offered()}] = row.id;
  HeldTask& added = tasks_.insert_or_assign(row.id, std::move(task)).first->second;
  track(added, {.state = lifecycle::LeaseState::answered});
  return added;
}

void Lessee::apply(HeldTask& task, const lifecycle::LesseeStep& step) {
  if (step.verdict == lifecycle::Verdict::applied) {
    lifecycle::LesseeTask was = task.state;
    task.state = step.next;
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
      if (HeldTask* done = find(id)) owe(*done);
    });
  }
  parts_.wake();
}

// Keeps queue, timers, devices' shares and what awaits an ack in step with a task's state.
void Lessee::track(HeldTask& task, const lifecycle::LesseeTask& was) {
  using lifecycle::LeaseState;
  auto is_held = [](LeaseState state) {
    return state == LeaseState::accepted || state == LeaseState::running;
  };
  Owner& owner = owner_of(task.owner);
  if (is_held(was.state) != task.held()) {
    int change = task.held() ? 1 : -1;
    owner.held = std::uint32_t(int(owner.held) + change);
    held_ = std::uint32_t(int(held_) + change);
  }
  count(task);
  if (task.state.state != LeaseState::done) owner.results.remove(task.id, task.owed);
  if (was.state == LeaseState::accepted) queue_of(task).remove(task.waiting(was));
  if (task.state.state == LeaseState::accepted) queue_of(task).add(task.waiting(task.state));
  if (was.state != LeaseState::answered && task.state.state == LeaseState::answered) {
    tombstones_.push_back(task.id);
  }
  if (parts_.changed) parts_.changed(task);
  const bool waits = task.state.state == LeaseState::done;
  const NodeTime next =
      waits ? task.ended + options_.keep_results : lifecycle::next_lessee_time(task.state);
  NodeTime& timer = timer_of_.try_emplace(task.id, kNever).first->second;
  if (timer == next) return;
  timers_.erase({timer, task.id});
  if (next != kNever) timers_.insert({next, task.id});
  timer = next;
}

// Until its owner has the answer a task takes of that owner's share.
void Lessee::count(HeldTask& task) {
  Owner& owner = owner_of(task.owner);
  const bool kept = task.state.state != lifecycle::LeaseState::answered;
  const std::uint64_t bytes = kept ? task.bytes() : 0;
  if (kept != (task.counted > 0)) {
    int change = kept ? 1 : -1;
    owner.kept = std::uint32_t(int(owner.kept) + change);
    kept_ = std::uint32_t(int(kept_) + change);
  }
  owner.bytes += bytes - task.counted;
  bytes_ += bytes - task.counted;
  task.counted = bytes;
}

void Lessee::settle(TaskId id) {
  HeldTask* task = find(id);
  if (!task || task->unsaved > 0) return;
  while (tombstones_.size() > options_.tombstones) {
    HeldTask* oldest = find(tombstones_.front());
    if (oldest && oldest->unsaved > 0) return;
    tombstones_.pop_front();
    if (oldest && oldest->state.state == lifecycle::LeaseState::answered) forget(*oldest);
  }
}

void Lessee::forget(HeldTask& task) {
  TaskId id = task.id;
  const auto renamed =
      task.offered == id ? renamed_.end() : renamed_.find({task.owner, task.offered});
  if (renamed != renamed_.end() && renamed->second == id) renamed_.erase(renamed);
  timer_of_.erase(id);
  tasks_.erase(id);
}

// What was kept for as long as results are and nobody took: the ledger says how many.
void Lessee::give_up_results(NodeTime time) {
  std::map<std::string, std::uint64_t> given_up;
  while (!timers_.empty() && timers_.begin()->first <= time) {
    HeldTask& task = *find(timers_.begin()->second);
    if (task.state.state != lifecycle::LeaseState::done) break;
    given_up[task.owner] += 1;
    apply(task, lifecycle::on_result_ack(task.state, task.state.epoch, tick()));
  }
  for (const auto& [owner, count] : given_up) {
    counters_.given_up += count;
    journal_.lost(owner, {{DataClass::results, LossCause::age, loss_period(time)},
                          parts_.clock->wall_time(),
                          parts_.clock->wall_time(),
                          count,
                          count});
    if (parts_.lost) journal_.after([this, owner = owner] { parts_.lost(owner); });
  }
}

void Lessee::on_timers() {
  NodeTime time = now();
  while (!timers_.empty() && timers_.begin()->first <= time) {
    HeldTask& task = *find(timers_.begin()->second);
    if (task.state.state == lifecycle::LeaseState::done) {
      give_up_results(time);
      continue;
    }
    lifecycle::LesseeStep step = lifecycle::on_lessee_time(task.state, tick());
    if (step.next.state == lifecycle::LeaseState::done) {
      wire::ResultItem item;
      item.failure = step.next.failure;
      item.code = Code::timeout;
      const bool asked = task.spec && task.spec->run_timeout == task.terms.run_timeout;
      item.message = asked ? "the run timeout passed"
                           : "it ran longer than " + options_.here + " allows (max_run)";
      keep_result(task, task.state.epoch, std::move(item));
    }
    apply(task, step);
  }
  if (time >= retry_commit_) {
    retry_commit_ = kNever;
    journal_.retry();
  }
  if (time >= next_beat_) beat();
  if (time >= late_beats_) beat_again();
  if (time >= next_resend_) {
    next_resend_ = now() + kResendAfter;
    for (auto& [name, owner] : owners_) join_line(owner);
  }
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
  look_for_shortage();
  on_timers();
  start_ready();
  send_owed();
  tell_credits();
  flush();
  NodeTime next = std::min({timers_.empty() ? kNever : timers_.begin()->first, retry_commit_,
                            next_beat_, late_beats_, next_resend_, next_prune_});
  return next_credits_ > now() ? std::min(next, next_credits_) : next;
}

void Lessee::each(const std::function<void(const HeldTask&)>& look) const {
  for (const auto& [id, task] : tasks_) {
    if (task.state.state != lifecycle::LeaseState::answered) look(task);
  }
}

Duration Lessee::waited() const {
  const NodeTime oldest = std::min(queue_.oldest(), blocking_queue_.oldest());
  return oldest == kNever ? Duration::zero() : now() - oldest;
}

void Lessee::hand_back(HeldTask& task, const std::string& why) {
  wire::ResultItem item;
  item.failure = FailureClass::interrupted;
  item.message = why;
  keep_result(task, task.state.epoch, std::move(item));
  apply(task, lifecycle::on_finish(task.state, FailureClass::interrupted, tick()));
}

bool Lessee::cancel(TaskId id) {
  HeldTask* task = find(id);
  if (!task || !task->held()) return false;
  wire::ResultItem item;
  item.failure = FailureClass::error;
  item.code = Code::cancelled;
  item.message = "an operator of " + options_.here + " cancelled it";
  keep_result(*task, task->state.epoch, std::move(item));
  lifecycle::LesseeStep step = lifecycle::on_finish(task->state, FailureClass::error, tick());
  step.act.stop = task->state.state == lifecycle::LeaseState::running;
  apply(*task, step);
  return true;
}

void Lessee::drain() {
  draining_ = true;
  std::vector<TaskId> waiting;
  const auto note = [&waiting](TaskId id) { waiting.push_back(id); };
  queue_.each(note);
  blocking_queue_.each(note);
  for (TaskId id : waiting) hand_back(*find(id), options_.here + " is going away");
  next_credits_ = now();
  parts_.wake();
}

void Lessee::resume() {
  draining_ = false;
  next_credits_ = now();
  parts_.wake();
}

void Lessee::set_max_queue(std::uint32_t attempts) {
  options_.max_queue = attempts;
  next_credits_ = now();
  parts_.wake();
}

void Lessee::set_uplink(std::uint64_t bytes_per_second) {
  options_.uplink = bytes_per_second;
  next_credits_ = now();
  parts_.wake();
}

}  // namespace spillway::lessee
