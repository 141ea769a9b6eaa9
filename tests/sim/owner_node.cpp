#include "tests/sim/owner_node.h"

#include <algorithm>

#include "tests/sim/world.h"

namespace spillway::sim {
namespace {

using lifecycle::OwnerTask;
using lifecycle::Verdict;

constexpr std::size_t kCores = 2;
constexpr int kWindow = 2;        // un-accepted OFFERs
constexpr int kTimersAtOnce = 8;  // of one task at one instant
constexpr auto kSelf = NodeName::owner;

bool is_message_for_owner(MessageKind kind) {
  return kind == MessageKind::accept || kind == MessageKind::nack || kind == MessageKind::result;
}

Cause cause_of(const Message& message) {
  if (message.kind == MessageKind::accept) return Cause::accept;
  if (message.kind == MessageKind::nack) return Cause::nack;
  return message.failure == FailureClass::none ? Cause::success : Cause::failure;
}

}  // namespace

std::size_t OwnerNode::tasks() const { return world_->plan().tasks; }
const TaskPlan& OwnerNode::plan(std::size_t task) const { return world_->plan().task[task]; }
lifecycle::Now OwnerNode::now() { return world_->now_at(kSelf); }

void OwnerNode::begin() {
  journal_.clear();
  bodies_.clear();
  begun_ = {};
  draining_ = false;
  resend_at_ = NodeTime(kResend);
  for (std::size_t task = 0; task < tasks(); ++task) {
    journal_.memory[task].task = journal_.disk[task].task = plan(task).first;
  }
}

void OwnerNode::boot() {
  for (std::size_t task = 0; task < tasks(); ++task) {
    const OwnerTask& before = memory(task).task;
    // A stop of the whole machine leaves it open which bodies had begun.
    const bool may_have_begun = begun_[task] == before.epoch || world_->random().per_mille(300);
    const Step step = lifecycle::recover(before, plan(task).policy, world_->boot_of(kSelf),
                                         may_have_begun, now());
    apply(task, {Cause::recover, before.epoch}, step);
  }
  link_changed(world_->is_linked());
}

void OwnerNode::die() {
  if (journal_.is_ahead()) world_->count(Seen::crashes_losing_steps);
  const bool reached_disk = journal_.is_writing() && world_->random().per_mille(500);
  if (reached_disk) {
    world_->reached_disk(kSelf);
    journal_.commit([this](std::size_t task, const OwnerRow& old, const OwnerRow& row) {
      world_->checks().owner_commit(task, old, row);
    });
  }
  journal_.forget();
  for (std::size_t task = 0; task < tasks(); ++task) {
    world_->checks().owner_dies(task, journal_.disk[task]);
  }
  bodies_.clear();
  draining_ = false;
}

void OwnerNode::commit() {
  journal_.commit([this](std::size_t task, const OwnerRow& old, const OwnerRow& row) {
    world_->checks().owner_commit(task, old, row);
  });
  effects_.swap(journal_.effects());
  for (const Effect& effect : effects_) {
    if (world_->fail_point(kSelf)) {
      world_->count(Seen::crashes_after_commit);
      break;
    }
    out(effect);
  }
  effects_.clear();
}

void OwnerNode::apply(std::size_t task, const Origin& origin, const Step& step) {
  OwnerRow& row = memory(task);
  const OwnerRow before = row;
  row.task = step.next;
  if (step.act.drop_offer) row.offer = {};
  if (step.act.send_offer) row.offer = step.next.epoch;
  if (step.act.keep_result) row.result = origin.run;
  if (step.next.epoch != before.task.epoch) row.grant = world_->checks().new_grant();
  if (step.verdict == Verdict::applied && origin.cause == Cause::retry) ++row.retries;
  if (step.verdict == Verdict::applied && !step.renewal) journal_.mark(task);
  world_->checks().owner_step(
      {task, origin.cause, origin.epoch, before, row, step.verdict, origin.run});
  count(origin, before, step);
  if (step.verdict != Verdict::unchanged && !step.renewal) {
    world_->note(
        kSelf, "task %zu %s(%u) -> %s: %s/%s epoch %u place %s%s attempts %u crashes %u", task,
        to_string(origin.cause), origin.epoch.value,
        step.verdict == Verdict::applied ? "applied" : "refused", to_string(row.task.state).data(),
        to_string(row.task.reason).data(), row.task.epoch.value, to_string(row.task.place).data(),
        row.task.offer_pending ? " (offer pending)" : "", row.task.attempts, row.task.crashes);
  }
  carry(task, step);
}

void OwnerNode::carry(std::size_t task, const Step& step) {
  Effect effect;
  effect.task = effect.message.task = static_cast<std::uint8_t>(task);
  const auto then = [&](Act act, Epoch epoch) {
    effect.act = act;
    effect.epoch = effect.message.epoch = epoch;
    journal_.then(effect);
  };
  if (step.act.stop_local) then(Act::stop, step.act.stop_epoch);
  effect.message.kind = MessageKind::cancel;
  if (step.act.send_cancel) then(Act::send, step.act.stop_epoch);
  if (step.act.run_local) then(Act::run, step.next.epoch);
  if (step.act.send_offer) then(Act::offer, step.next.epoch);
  if (!step.act.finished) return;
  effect.told = step.next.state;
  effect.retries = memory(task).retries;
  then(Act::tell, step.next.epoch);
  release_dependents(task);
}

// In the same group as the step that finished the task: were it left to an effect, a crash between
// the two would leave them waiting for ever.
void OwnerNode::release_dependents(std::size_t task) {
  const bool succeeded = memory(task).task.state == TaskState::succeeded;
  for (std::size_t next = task + 1; next < tasks(); ++next) {
    if (plan(next).after != static_cast<int>(task)) continue;
    const Step step = lifecycle::on_dependency(memory(next).task, succeeded, now());
    apply(next, {Cause::dependency, {}}, step);
  }
}

void OwnerNode::out(const Effect& effect) {
  const std::size_t task = effect.task;
  switch (effect.act) {
    case Act::send:
      if (effect.message.kind == MessageKind::result_ack && !world_->answers_early()) {
        world_->checks().acked(effect.message, journal_.disk[task]);
      }
      return world_->send(kSelf, effect.message);
    case Act::offer: return send_offer(task, effect.epoch, false);
    case Act::run: return start_body(effect);
    case Act::stop: return stop_body(task, effect.epoch);
    case Act::tell:
      return world_->checks().told(task, effect.told, effect.retries, journal_.disk[task]);
    case Act::queue: return;
  }
}

void OwnerNode::send_offer(std::size_t task, Epoch epoch, bool again) {
  const bool wanted = journal_.memory[task].offer == epoch && journal_.disk[task].offer == epoch;
  if (!wanted || !world_->is_linked()) return;
  const OwnerTask& state = journal_.memory[task].task;
  Message message;
  message.kind = MessageKind::offer;
  message.task = static_cast<std::uint8_t>(task);
  message.epoch = epoch;
  message.settled = state.settled;
  message.remaining =
      state.deadline == kNever ? Duration::max() : state.deadline - world_->time_at(kSelf);
  if (again) world_->count(Seen::offers_resent);
  world_->checks().exposed(task, epoch, journal_.disk[task]);
  world_->send(kSelf, message);
}

void OwnerNode::send_offers_again() {
  resend_at_ = world_->time_at(kSelf) + kResend;
  for (std::size_t task = 0; task < tasks(); ++task) {
    const Epoch epoch = journal_.disk[task].offer;
    if (epoch.value > 0) send_offer(task, epoch, true);
  }
}

void OwnerNode::start_body(const Effect& effect) {
  const OwnerTask& task = memory(effect.task).task;
  const bool wanted = task.state == TaskState::running && task.place == PlaceKind::local &&
                      task.epoch == effect.epoch;
  if (!wanted) return;
  world_->checks().starts_local(effect.task, effect.epoch, journal_.disk[effect.task]);
  const Ending ending = draw_ending(plan(effect.task), world_->random());
  const RunId run = world_->checks().begin_run(effect.task);
  const bool endless = ending.after >= std::chrono::hours(1);
  bodies_.push_back(
      {run, effect.task, effect.epoch, ending.failure, endless || !plan(effect.task).stubborn});
  begun_[effect.task] = effect.epoch;
  world_->schedule_end(kSelf, run, ending.after);
  world_->note(kSelf, "task %u runs here as run %u, epoch %u", effect.task, run,
               effect.epoch.value);
}

void OwnerNode::stop_body(std::size_t task, Epoch epoch) {
  std::erase_if(bodies_, [&](const Body& body) {
    return body.task == task && body.epoch == epoch && body.stoppable;
  });
}

void OwnerNode::body_ends(RunId run) {
  const auto found = std::find_if(bodies_.begin(), bodies_.end(),
                                  [run](const Body& body) { return body.run == run; });
  if (found == bodies_.end()) return;
  const Body body = *found;
  if (body.failure == FailureClass::crash) return world_->crash(kSelf, "user code took it down");
  bodies_.erase(found);
  world_->checks().run_ended(run, body.failure);
  const OwnerTask& task = memory(body.task).task;
  const lifecycle::OwnerPolicy& policy = plan(body.task).policy;
  world_->note(kSelf, "run %u of task %u ended: %s", run, body.task,
               to_string(body.failure).data());
  if (body.failure == FailureClass::none) {
    const bool late = !is_terminal(task.state) && task.epoch != body.epoch;
    const Step step = world_->machine().success(task, policy, body.epoch, now());
    if (late && step.verdict == Verdict::applied) world_->count(Seen::late_success_of_stopped);
    apply(body.task, {Cause::success, body.epoch, run}, step);
  } else {
    world_->checks().attempt_failed(body.task);
    const Step step = world_->machine().failure(task, policy, body.epoch, body.failure, now());
    apply(body.task, {Cause::failure, body.epoch}, step);
  }
}

OwnerNode::Step OwnerNode::step_for(const Message& message, const OwnerTask& task) {
  const Machine& machine = world_->machine();
  const lifecycle::OwnerPolicy& policy = plan(message.task).policy;
  switch (cause_of(message)) {
    case Cause::accept: return machine.accept(task, policy, message.epoch, now());
    case Cause::nack: return machine.nack(task, policy, message.epoch, message.retry_after, now());
    case Cause::success: return machine.success(task, policy, message.epoch, now());
    default: return machine.failure(task, policy, message.epoch, message.failure, now());
  }
}

void OwnerNode::heed(const Message& message) {
  if (message.kind == MessageKind::beat) return heed_beat(message);
  if (!is_message_for_owner(message.kind)) return;
  const std::size_t task = message.task;
  const Step step = step_for(message, memory(task).task);
  apply(task, {cause_of(message), message.epoch, message.run}, step);
  world_->checks().same_again(task, step.next, step_for(message, step.next).next);
  if (message.kind != MessageKind::result) return;
  Effect effect;
  effect.task = message.task;
  effect.message.kind = MessageKind::result_ack;
  effect.message.task = message.task;
  effect.message.epoch = message.epoch;
  effect.message.verdict = step.verdict;
  effect.message.run = message.run;
  effect.message.failure = message.failure;
  if (world_->answers_early()) {
    world_->checks().acked(effect.message, journal_.disk[task]);
    return world_->send(kSelf, effect.message);
  }
  journal_.then(effect);
}

void OwnerNode::heed_beat(const Message& message) {
  Effect effect;
  Message& reply = effect.message;
  reply.kind = MessageKind::beat_ack;
  reply.beat_sent = message.beat_sent;
  reply.items = message.items;
  for (std::size_t i = 0; i < message.items; ++i) {
    const BeatItem& item = message.item[i];
    const OwnerTask& task = memory(item.task).task;
    const lifecycle::OwnerPolicy& policy = plan(item.task).policy;
    const bool starts = item.flag && task.state == TaskState::leased && task.epoch == item.epoch;
    const Step step = starts ? world_->machine().started(task, policy, item.epoch, now())
                             : world_->machine().beat(task, policy, item.epoch, now());
    apply(item.task, {starts ? Cause::started : Cause::beat, item.epoch}, step);
    reply.item[i] = {item.task, step.verdict != Verdict::stale, item.epoch};
    if (step.verdict == Verdict::stale) world_->count(Seen::beats_stopped_attempts);
  }
  journal_.then(effect);
}

void OwnerNode::link_changed(bool up) {
  for (std::size_t task = 0; task < tasks(); ++task) {
    const OwnerTask& state = memory(task).task;
    if (up) {
      apply(task, {Cause::place_found, {}}, lifecycle::on_place_found(state, now()));
    } else {
      const Step step =
          lifecycle::on_link_down(state, plan(task).policy, plan(task).on_disconnect, now());
      apply(task, {Cause::link_down, state.epoch}, step);
      world_->checks().after_link_down(task, memory(task));
    }
  }
  if (up) send_offers_again();
}

NodeTime OwnerNode::wake_at() const {
  NodeTime next = kNever;
  bool pending = false;
  for (std::size_t task = 0; task < tasks(); ++task) {
    next = std::min(next, lifecycle::next_time(journal_.memory[task].task));
    pending |= journal_.disk[task].offer.value > 0;
  }
  return pending && world_->is_linked() ? std::min(next, resend_at_) : next;
}

void OwnerNode::wake() {
  const NodeTime time = world_->time_at(kSelf);
  for (std::size_t task = 0; task < tasks(); ++task) {
    for (int i = 0; lifecycle::next_time(memory(task).task) <= time; ++i) {
      const OwnerTask& before = memory(task).task;
      if (before.place == PlaceKind::local && before.run_until <= time) {
        world_->checks().attempt_failed(task);
      }
      const Step step = lifecycle::on_time(before, plan(task).policy, now());
      if (step.verdict != Verdict::applied || i == kTimersAtOnce) {
        return world_->checks().fail("T1", "a timer that was due did nothing");
      }
      apply(task, {Cause::time, before.epoch}, step);
    }
  }
  if (time >= resend_at_) send_offers_again();
}

bool OwnerNode::has_core() const {
  std::size_t used = bodies_.size();
  for (std::size_t task = 0; task < tasks(); ++task) {
    const OwnerTask& state = journal_.memory[task].task;
    const bool starting = state.place == PlaceKind::local &&
                          std::none_of(bodies_.begin(), bodies_.end(), [&](const Body& body) {
                            return body.task == task && body.epoch == state.epoch;
                          });
    if (starting) ++used;
  }
  return used < kCores;
}

bool OwnerNode::has_window() const {
  return std::count_if(journal_.memory.begin(), journal_.memory.end(),
                       [](const OwnerRow& row) { return row.task.offer_pending; }) < kWindow;
}

void OwnerNode::place(std::size_t task) {
  const OwnerTask& state = memory(task).task;
  if (state.state != TaskState::ready) return;
  const bool here =
      plan(task).local && has_core() &&
      (world_->is_linked() || plan(task).on_disconnect != OnDisconnect::wait || !plan(task).remote);
  const bool there = plan(task).remote && world_->is_linked() && has_window();
  const unsigned lean = state.losses > 0 ? 700 : 400;
  const bool local = here && (!there || world_->random().per_mille(lean));
  if (here || there) {
    const PlaceKind place = local ? PlaceKind::local : PlaceKind::cloud;
    apply(task, {Cause::grant, state.epoch},
          lifecycle::grant(state, plan(task).policy, place, world_->boot_of(kSelf), now()));
  } else if (!world_->is_linked() && !plan(task).local) {
    apply(task, {Cause::no_place, {}}, lifecycle::on_no_place(state, now()));
  }
}

void OwnerNode::settle() {
  for (std::size_t task = 0; task < tasks() && !draining_; ++task) place(task);
  if (journal_.is_writing() || !journal_.has_group()) return;
  const bool rows = journal_.begin();
  world_->schedule_commit(kSelf, rows);
}

void OwnerNode::cancel(std::size_t task) {
  apply(task, {Cause::cancel, {}}, lifecycle::cancel(memory(task).task, now()));
}

void OwnerNode::hold(std::size_t task) {
  const Step step = lifecycle::hold(memory(task).task, now());
  if (step.verdict == Verdict::applied) world_->count(Seen::holds);
  apply(task, {Cause::hold, {}}, step);
}

void OwnerNode::release(std::size_t task) {
  apply(task, {Cause::release, {}}, lifecycle::release(memory(task).task, now()));
}

void OwnerNode::retry(std::size_t task) {
  const int after = plan(task).after;
  const bool waits = after >= 0 && !is_terminal(memory(static_cast<std::size_t>(after)).task.state);
  lifecycle::Anew anew;
  anew.deps = waits ? 1 : 0;
  if (const NodeTime wake = plan(task).first.wake; wake != kNever) anew.not_before = wake;
  const Step step = lifecycle::retry(memory(task).task, anew, now());
  if (step.verdict == Verdict::applied) world_->count(Seen::retries);
  apply(task, {Cause::retry, {}}, step);
}

void OwnerNode::withdraw(std::size_t task) {
  const OwnerTask& state = memory(task).task;
  const Step step = lifecycle::withdraw(state, plan(task).policy, now());
  if (step.verdict == Verdict::applied) world_->count(Seen::offers_withdrawn);
  apply(task, {Cause::withdraw, state.epoch}, step);
}

void OwnerNode::shut_down() {
  draining_ = true;
  for (const Body& body : std::vector<Body>(bodies_)) {
    const Step step = world_->machine().failure(memory(body.task).task, plan(body.task).policy,
                                                body.epoch, FailureClass::interrupted, now());
    apply(body.task, {Cause::failure, body.epoch}, step);
  }
}

bool OwnerNode::is_quiet() const {
  for (std::size_t task = 0; task < tasks(); ++task) {
    const OwnerRow& row = journal_.disk[task];
    if (!is_terminal(row.task.state) || row.offer.value > 0) return false;
    if (row.task.state != journal_.memory[task].task.state) return false;
  }
  return true;
}

void OwnerNode::count(const Origin& origin, const OwnerRow& before, const Step& step) {
  const bool applied = step.verdict == Verdict::applied;
  const bool live = before.task.place != PlaceKind::none && before.task.epoch == origin.epoch;
  if (origin.cause == Cause::success && applied) {
    if (!live) world_->count(Seen::late_success_accepted);
    if (live && before.task.place == PlaceKind::cloud) world_->count(Seen::succeeded_at_lessee);
  } else if (origin.cause == Cause::success && step.verdict == Verdict::duplicate) {
    world_->count(Seen::duplicate_success);
  } else if (origin.cause == Cause::success) {
    world_->count(is_terminal(before.task.state) ? Seen::stale_success
                                                 : Seen::late_once_success_refused);
  }
  if (origin.cause == Cause::failure && !applied) world_->count(Seen::stale_failure_ignored);
  if (origin.cause == Cause::nack) {
    world_->count(applied ? Seen::nacks_taken : Seen::late_nacks_ignored);
  }
  if (origin.cause == Cause::link_down && applied && before.task.offer_pending) {
    world_->count(Seen::link_down_took_offer_back);
  }
  if (applied) count_end(before, step);
}

void OwnerNode::count_end(const OwnerRow& before, const Step& step) {
  const TaskState state = step.next.state;
  if (state == TaskState::succeeded) world_->count(Seen::succeeded);
  if (state == TaskState::cancelled) world_->count(Seen::cancelled);
  if (state == TaskState::expired) world_->count(Seen::expired);
  if (state == TaskState::failed) world_->count(Seen::failed);
  switch (step.failure) {
    case FailureClass::lost: return world_->count(Seen::leases_lost);
    case FailureClass::interrupted: return world_->count(Seen::interrupted);
    case FailureClass::dependency: return world_->count(Seen::dependency_failed);
    case FailureClass::disconnected: return world_->count(Seen::disconnected_failed);
    case FailureClass::poison:
      return world_->count(step.next.crashes >= lifecycle::kPoisonLimit ? Seen::poison_by_count
                                                                        : Seen::poison_by_places);
    case FailureClass::timeout:
      if (before.task.place == PlaceKind::none) return world_->count(Seen::queue_timeouts);
      if (step.act.stop_local) world_->count(Seen::local_run_timeouts);
      [[fallthrough]];
    case FailureClass::error:
      if (state == TaskState::failed) world_->count(Seen::attempts_exhausted);
      return;
    default: return;
  }
}

}  // namespace spillway::sim
