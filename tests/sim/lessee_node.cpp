#include "tests/sim/lessee_node.h"

#include <algorithm>

#include "common/crypto/sha256.h"
#include "tests/sim/world.h"

namespace spillway::sim {
namespace {

using lifecycle::LeaseState;
using lifecycle::LesseeTask;
using lifecycle::NackReason;
using lifecycle::Verdict;

constexpr std::size_t kWorkers = 2;
constexpr unsigned kBusy = 60;  // of OFFERs of new work, per mille
constexpr int kTimersAtOnce = 8;
constexpr auto kSelf = NodeName::lessee;

constexpr const char* kStates[] = {"accepted", "running", "done", "answered"};

std::optional<LesseeTask> held(const LesseeRow& row) {
  return row.exists ? std::optional(row.task) : std::nullopt;
}

}  // namespace

std::size_t LesseeNode::tasks() const { return world_->plan().tasks; }
lifecycle::Now LesseeNode::now() { return world_->now_at(kSelf); }

void LesseeNode::begin() {
  journal_.clear();
  bodies_.clear();
  begun_ = {};
  queued_ = {};
  draining_ = false;
  resend_at_ = NodeTime(kResend);
  beat_at_ = NodeTime(kBeat);
}

void LesseeNode::boot() {
  for (std::size_t task = 0; task < tasks(); ++task) {
    if (!memory(task).exists) continue;
    // A stop of the whole machine leaves it open which bodies had begun.
    const bool may_have_begun = begun_[task] == memory(task).run || world_->random().per_mille(300);
    const Step step = lifecycle::recover_lessee(memory(task).task, world_->boot_of(kSelf),
                                                may_have_begun, kLease, now());
    apply(task, LesseeCause::recover, memory(task).task.epoch, step);
  }
  link_changed(world_->is_linked());
}

void LesseeNode::die() {
  if (journal_.is_ahead()) world_->count(Seen::crashes_losing_steps);
  const bool reached_disk = journal_.is_writing() && world_->random().per_mille(500);
  if (reached_disk) {
    world_->reached_disk(kSelf);
    journal_.commit([](std::size_t, const LesseeRow&, const LesseeRow&) {});
  }
  journal_.forget();
  for (std::size_t task = 0; task < tasks(); ++task) {
    world_->checks().lessee_dies(journal_.disk[task], task);
  }
  bodies_.clear();
  effects_.clear();
  queued_ = {};
  draining_ = false;
}

void LesseeNode::commit() {
  journal_.commit([](std::size_t, const LesseeRow&, const LesseeRow&) {});
  effects_.swap(journal_.effects());
  for (const Effect& effect : effects_) {
    world_->fail_point(kSelf, Seen::crashes_after_commit);
    out(effect);
  }
  effects_.clear();
}

void LesseeNode::apply(std::size_t task, LesseeCause cause, Epoch epoch, const Step& step) {
  LesseeRow& row = memory(task);
  const LesseeRow before = row;
  if (step.verdict == Verdict::applied) {
    row.task = step.next;
    row.exists = true;
    if (cause != LesseeCause::keep) journal_.mark(task);
    if (cause != LesseeCause::keep) {
      world_->note(
          kSelf, "task %zu %s(%u) -> %s epoch %u%s%s", task, to_string(cause), epoch.value,
          kStates[static_cast<std::size_t>(row.task.state)], row.task.epoch.value,
          row.task.failure == FailureClass::none ? "" : " failed by ",
          row.task.failure == FailureClass::none ? "" : to_string(row.task.failure).data());
    }
  }
  world_->checks().lessee_step(task, cause, epoch, before, row);
  Effect effect;
  effect.task = static_cast<std::uint8_t>(task);
  effect.epoch = epoch;
  effect.run = before.run;
  const TaskId id = world_->id_of(task);
  const auto then = [&](Act act, wire::Item item = {}) {
    effect.act = act;
    effect.item = std::move(item);
    journal_.then(effect);
  };
  if (step.act.stop) then(Act::stop);
  if (step.act.run) then(Act::queue);
  if (step.act.send_result) then(Act::tell);
  if (step.act.send_accept) then(Act::send, wire::Accept{id, epoch});
  const Duration after = world_->random().between({}, std::chrono::seconds(20));
  if (step.act.send_nack) then(Act::send, wire::Nack{id, epoch, step.act.nack, after});
  if (step.act.owe_failure) {
    wire::ResultItem result;
    result.id = id;
    result.epoch = epoch;
    result.failure = step.next.failure;
    then(Act::send, result);
  }
}

void LesseeNode::out(const Effect& effect) {
  const std::size_t task = effect.task;
  switch (effect.act) {
    case Act::send: return world_->send(kSelf, {effect.item});
    case Act::queue: queued_[task] = true; return;
    case Act::run: return start_body(effect);
    case Act::stop: return stop_body(effect.run);
    case Act::tell: return send_result(task, false);
  }
}

lifecycle::OfferTerms LesseeNode::terms_of(const wire::Offer& offer) {
  const lifecycle::OwnerPolicy& policy = world_->plan().task[task_of(offer.id.seq)].policy;
  lifecycle::OfferTerms terms;
  terms.epoch = offer.epoch;
  terms.settled = offer.settled;
  terms.effects = policy.effects;
  terms.remaining = offer.remaining;
  terms.run_timeout = policy.run_timeout;
  terms.lease = kLease;
  if (draining_) terms.refuse = NackReason::draining;
  if (world_->in_chaos() && world_->random().per_mille(kBusy)) terms.refuse = NackReason::busy;
  return terms;
}

void LesseeNode::heed_offer(const wire::Offer& offer) {
  const std::size_t task = task_of(offer.id.seq);
  const lifecycle::OfferTerms terms = terms_of(offer);
  const LesseeRow before = memory(task);
  const Step step = lifecycle::on_offer(held(before), terms, now());
  apply(task, LesseeCause::offer, offer.epoch, step);
  count_offer(before, memory(task), step);
  if (step.verdict != Verdict::applied) return;
  const Step again = lifecycle::on_offer(step.next, terms, now());
  const bool same = again.verdict != Verdict::applied && again.next == step.next;
  if (!same) world_->checks().fail("P7", "the lessee took a repeated OFFER for a new one");
}

void LesseeNode::count_offer(const LesseeRow& before, const LesseeRow& after, const Step& step) {
  if (!before.exists) return;
  if (step.act.owe_failure) return world_->count(Seen::failure_told_again);
  if (step.verdict != Verdict::applied) {
    if (before.task.state == LeaseState::answered) world_->count(Seen::offer_after_tombstone);
    return;
  }
  const bool success = before.task.failure == FailureClass::none;
  if (before.task.state == LeaseState::running) world_->count(Seen::running_adopted);
  if (after.task.state == LeaseState::done) {
    world_->count(success ? Seen::success_adopted : Seen::failure_adopted);
  } else if (!success) {
    world_->count(Seen::settled_failure_run_anew);
  }
}

void LesseeNode::heed(const wire::Item& item) {
  if (const auto* offer = std::get_if<wire::Offer>(&item)) return heed_offer(*offer);
  if (const auto* ack = std::get_if<wire::BeatAck>(&item)) return heed_beat_ack(*ack);
  const std::optional<About> attempt = about(item);
  if (!attempt || !memory(attempt->task).exists) return;
  const LesseeTask& row = memory(attempt->task).task;
  if (std::holds_alternative<wire::ResultAck>(item)) {
    const Step step = lifecycle::on_result_ack(row, attempt->epoch, now());
    apply(attempt->task, LesseeCause::result_ack, attempt->epoch, step);
  } else if (std::holds_alternative<wire::Cancel>(item)) {
    const Step step = lifecycle::on_cancel(row, attempt->epoch, now());
    apply(attempt->task, LesseeCause::cancel, attempt->epoch, step);
  }
}

void LesseeNode::heed_beat_ack(const wire::BeatAck& ack) {
  const std::size_t task = task_of(ack.id.seq);
  if (!memory(task).exists) return;
  const LesseeTask& row = memory(task).task;
  if (ack.keep) {
    const NodeTime sent{Duration(static_cast<std::int64_t>(ack.round))};
    apply(task, LesseeCause::keep, ack.epoch,
          lifecycle::on_keep(row, ack.epoch, sent, kLease, now()));
  } else {
    apply(task, LesseeCause::cancel, ack.epoch, lifecycle::on_cancel(row, ack.epoch, now()));
  }
}

void LesseeNode::start(std::size_t task) {
  if (!queued_[task] || bodies_.size() >= kWorkers) return;
  queued_[task] = false;
  LesseeRow& row = memory(task);
  lifecycle::OfferTerms terms;
  terms.run_timeout = world_->plan().task[task].policy.run_timeout;
  const Step step = lifecycle::on_start(row.task, terms, world_->boot_of(kSelf), now());
  if (step.verdict != Verdict::applied) return;
  apply(task, LesseeCause::start, row.task.epoch, step);
  row.run = world_->checks().begin_run(task);
  Effect effect;
  effect.act = Act::run;
  effect.task = static_cast<std::uint8_t>(task);
  effect.run = row.run;
  journal_.then(effect);
}

void LesseeNode::start_body(const Effect& effect) {
  const LesseeRow& row = memory(effect.task);
  if (row.task.state != LeaseState::running || row.run != effect.run) return;
  world_->checks().starts_leased(effect.task, effect.run, journal_.disk[effect.task]);
  const TaskPlan& plan = world_->plan().task[effect.task];
  const Ending ending = draw_ending(plan, world_->random());
  const bool endless = ending.after >= kForEver;
  bodies_.push_back({effect.run, effect.task, ending.failure, endless || !plan.stubborn});
  begun_[effect.task] = effect.run;
  world_->schedule_end(kSelf, effect.run, ending.after);
  world_->note(kSelf, "task %u runs here as run %u", effect.task, effect.run);
}

void LesseeNode::stop_body(RunId run) {
  std::erase_if(bodies_, [run](const Body& body) { return body.run == run && body.stoppable; });
}

void LesseeNode::body_ends(RunId run) {
  const auto found = std::find_if(bodies_.begin(), bodies_.end(),
                                  [run](const Body& body) { return body.run == run; });
  if (found == bodies_.end()) return;
  const Body body = *found;
  if (body.failure == FailureClass::crash) return world_->crash(kSelf, "user code took it down");
  bodies_.erase(found);
  world_->checks().run_ended(run, body.failure);
  const LesseeRow& row = memory(body.task);
  if (row.run != run || row.task.state != LeaseState::running) return;
  if (body.failure != FailureClass::none) world_->checks().attempt_failed(body.task);
  apply(body.task, LesseeCause::finish, row.task.epoch,
        lifecycle::on_finish(row.task, body.failure, now()));
}

void LesseeNode::send_result(std::size_t task, bool again) {
  const LesseeRow& row = journal_.disk[task];
  const bool current = row.exists && row.task == memory(task).task;
  if (!current || row.task.state != LeaseState::done || !world_->is_linked()) return;
  wire::ResultItem item;
  item.id = world_->id_of(task);
  item.epoch = row.task.epoch;
  item.failure = row.task.failure;
  if (item.failure == FailureClass::none) {
    item.value.bytes = value_of(row.run);
    item.digest = crypto::sha256(item.value.bytes);
  }
  if (again) world_->count(Seen::results_resent);
  world_->send(kSelf, {item});
}

void LesseeNode::send_results_again() {
  resend_at_ = world_->time_at(kSelf) + kResend;
  for (std::size_t task = 0; task < tasks(); ++task) send_result(task, true);
}

// Behind the commits that its contents rest on: a BEAT is as good as an ACCEPT.
void LesseeNode::beat() {
  beat_at_ = world_->time_at(kSelf) + kBeat;
  for (std::size_t task = 0; task < tasks(); ++task) {
    const LesseeRow& row = memory(task);
    if (!row.exists || row.task.state == LeaseState::answered) continue;
    Effect effect;
    effect.act = Act::send;
    effect.item =
        wire::Beat{world_->id_of(task), row.task.epoch, row.task.state,
                   static_cast<std::uint64_t>(world_->time_at(kSelf).time_since_epoch().count())};
    journal_.then(effect);
  }
}

void LesseeNode::link_changed(bool up) {
  if (!up) return;
  send_results_again();
  beat();
}

NodeTime LesseeNode::wake_at() const {
  NodeTime next = kNever;
  bool results = false, any = false;
  for (std::size_t task = 0; task < tasks(); ++task) {
    const LesseeRow& row = journal_.memory[task];
    if (!row.exists) continue;
    next = std::min(next, lifecycle::next_lessee_time(row.task));
    results |= row.task.state == LeaseState::done;
    any |= row.task.state != LeaseState::answered;
  }
  if (!world_->is_linked()) return next;
  if (results) next = std::min(next, resend_at_);
  return any ? std::min(next, beat_at_) : next;
}

void LesseeNode::wake() {
  const NodeTime time = world_->time_at(kSelf);
  for (std::size_t task = 0; task < tasks(); ++task) {
    if (!memory(task).exists) continue;
    for (int i = 0; lifecycle::next_lessee_time(memory(task).task) <= time; ++i) {
      const LesseeTask before = memory(task).task;
      const Step step = lifecycle::on_lessee_time(before, now());
      if (step.verdict != Verdict::applied || i == kTimersAtOnce) {
        return world_->checks().fail("T1", "a timer of the lessee that was due did nothing");
      }
      if (step.next.failure == FailureClass::timeout) {
        world_->checks().attempt_failed(task);
        world_->count(Seen::lessee_run_timeouts);
      } else if (before.lease_until <= time) {
        world_->count(Seen::lessee_leases_ended);
      }
      apply(task, LesseeCause::time, before.epoch, step);
    }
  }
  if (time >= resend_at_) send_results_again();
  if (world_->is_linked() && time >= beat_at_) beat();
}

void LesseeNode::settle() {
  for (std::size_t task = 0; task < tasks() && !draining_; ++task) start(task);
  if (journal_.is_writing() || !journal_.has_group()) return;
  const bool rows = journal_.begin();
  world_->schedule_commit(kSelf, rows);
}

// What runs is interrupted; of what was not started, some is handed back.
void LesseeNode::drain() {
  draining_ = true;
  for (std::size_t task = 0; task < tasks(); ++task) {
    LesseeRow& row = memory(task);
    if (!row.exists) continue;
    const bool give_back =
        row.task.state == LeaseState::running ||
        (row.task.state == LeaseState::accepted && world_->random().per_mille(500));
    if (!give_back) continue;
    stop_body(row.run);
    apply(task, LesseeCause::finish, row.task.epoch,
          lifecycle::on_finish(row.task, FailureClass::interrupted, now()));
  }
}

// As the ledger does in time: what was answered long ago, longer than any commit takes, is no
// longer known.
void LesseeNode::forget_tombstones() {
  if (journal_.is_writing() || journal_.has_group()) return;
  for (std::size_t task = 0; task < tasks(); ++task) {
    LesseeRow& row = memory(task);
    if (!row.exists || row.task.state != LeaseState::answered) continue;
    row = {};
    journal_.mark(task);
    world_->count(Seen::tombstones_forgotten);
    world_->checks().tombstone_forgotten(task);
  }
}

bool LesseeNode::is_quiet() const {
  return std::none_of(journal_.memory.begin(), journal_.memory.end(), [](const LesseeRow& row) {
    return row.exists && row.task.state != LeaseState::answered;
  });
}

}  // namespace spillway::sim
