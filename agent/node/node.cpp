#include "agent/node/node.h"

#include <algorithm>

#include "common/base/damage.h"
#include "common/store/step_event.h"
#include "common/wire/codec.h"

namespace spillway::agent {
namespace {

constexpr Duration kRetryCommit = std::chrono::seconds(1);
constexpr Duration kPurgeInterval = std::chrono::seconds(10);
constexpr std::size_t kPurgeSlice = 256;
constexpr std::size_t kDueSlice = 256;
constexpr Duration kLookForPlace = std::chrono::seconds(30);
constexpr std::size_t kRefillBytes = 8 * 1024 * 1024;

}  // namespace

Node::Node(NodeOptions options, NodeParts parts, const store::Recovered& recovered,
           const ledger::LedgerRecovered* leased)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      lives_(recovered.lives),
      timeline_(*parts_.clock, recovered.last_seen),
      wall_(*parts_.clock),
      started_(timeline_.now()),
      table_(options_.max_ready),
      admission_(options_.budget, {.machine = parts_.machine,
                                   .store = [store = parts_.store] { return store->use(); },
                                   .report = parts_.report}),
      journal_(*parts_.store,
               {.failed = [this](const Error& error) { on_store_failed(error); },
                .gathered = [this] { flush(); },
                .committed = [this] { on_committed(); }},
               {.settled = [this](std::uint64_t seq) { table_.settle(seq); },
                .refused = [this](std::uint64_t seq, const Error& why) { on_refused(seq, why); }}),
      placement_(options_.placement),
      next_seq_(recovered.next_seq) {
  for (const KnownLife& peer : recovered.peers) peers_[peer.store] = peer;
  for (const Kind* kind : parts_.kinds->list()) local_kinds_.push_back(kind->name);
  load_models();
  look_at_budget();
  if (parts_.ledger && leased) make_lessee(*leased);
}

Node::~Node() = default;

void Node::start(const store::Recovered& recovered, const ledger::LedgerRecovered* leased) {
  counters_.accepted = recovered.accepted;
  std::copy(std::begin(recovered.counts.by_state), std::end(recovered.counts.by_state),
            std::begin(counters_.by_state));
  // What the disk holds besides the live ones is looked for once the loop turns (P22).
  table_.expect_more_on_disk();
  release_ended(0);
  for (const store::TaskRow& row : recovered.live) {
    LiveTask& task = adopt(row);
    if (task.state.place == PlaceKind::cloud) cloud_.held += 1;
    apply(task,
          lifecycle::recover(task.state, task.policy, options_.boot,
                             parts_.runner->may_have_begun(id_of(row.seq)), tick()),
          {"the agent stopped while it ran", Code::internal});
  }
  withdraw_offers();
  if (lessee_ && leased) lessee_->start(*leased, [] {});
  journal_.session(recovered.session + 1);
  if (session_) journal_.after([this] { session_->start(); });
  const bool told = parts_.measured || session_;
  if (told && options_.telemetry > Duration::zero()) next_telemetry_ = now();
  if (told) look_for_losses();
  parts_.wake();
}

std::optional<std::uint64_t> Node::own(TaskId id) const {
  const std::optional<std::uint64_t> seq = lives_.seq_of(id);
  return seq && *seq < next_seq_ ? seq : std::nullopt;
}

LiveTask Node::make_live(const store::TaskRow& row) const {
  LiveTask task;
  task.seq = row.seq;
  task.created = row.created;
  task.state = row.task;
  task.spec_bytes = row.spec;
  task.history = owner::AttemptHistory::of(row);
  Result<TaskSpec> spec =
      row.spec ? wire::decode_spec(*row.spec) : Result<TaskSpec>(fail(Code::corrupt, "no spec"));
  // A spec the disk has spoiled cannot run; its task ends through its attempts.
  task.spec = std::make_shared<const TaskSpec>(spec ? *std::move(spec) : TaskSpec{});
  fill_derived(task);
  return task;
}

void Node::fill_derived(LiveTask& task) const {
  const TaskSpec& spec = *task.spec;
  task.policy = lifecycle::policy_of(spec, options_.lease);
  task.kind = parts_.kinds->find(spec.kind);
  std::size_t bytes = spec.input.bytes.size();
  task.work = spec.work.value_or(task.kind ? kinds::work_of(*task.kind, bytes, spec.args)
                                           : 1.0 + double(bytes));
}

LiveTask& Node::adopt(const store::TaskRow& row) { return table_.add(make_live(row)); }

void Node::apply(LiveTask& task, const lifecycle::OwnerStep& step, Cause cause) {
  if (step.verdict != lifecycle::Verdict::applied) return act(task, step);
  lifecycle::OwnerTask was = task.state;
  task.state = step.next;
  if (!step.renewal) {
    journal_.update(task, was.state, was.epoch);
    journal_event(task, was, step, cause.message);
    record_change(task, was, step.failure);
  }
  table_.refresh(task);
  if (!task.state.offer_pending) offers(urgency_of(task)).remove(task.seq, task.owed);
  act(task, step);
  if (step.act.finished && !step.act.keep_result) {
    TaskResult result;
    if (task.state.state == TaskState::failed) {
      result.error =
          TaskError{step.failure, cause.code, std::move(cause.message), was.place, was.epoch};
    }
    finish(task, std::move(result));
  }
  parts_.wake();
}

void Node::act(LiveTask& task, const lifecycle::OwnerStep& step) {
  const lifecycle::Do& act = step.act;
  std::uint64_t seq = task.seq;
  Epoch epoch = step.next.epoch;
  if (act.drop_offer) journal_.drop_offer({seq, act.stop_epoch});
  if (act.stop_local) parts_.runner->stop(id_of(seq), act.stop_epoch);
  if (act.send_cancel && session_) {
    journal_.after([this, seq, stop = act.stop_epoch] {
      session_->send_task(wire::Cancel{id_of(seq), stop});
    });
  }
  if (act.send_offer) {
    journal_.put_offer({seq, epoch});
    journal_.after([this, seq, epoch] { owe_offer(seq, epoch); });
  }
  if (act.run_local) journal_.whenever([this, seq, epoch] { start_local(seq, epoch); });
}

void Node::journal_event(LiveTask& task, const lifecycle::OwnerTask& was,
                         const lifecycle::OwnerStep& step, const std::string& detail) {
  store::EventKind kind = store::event_of(was, step);
  bool granted = kind == store::EventKind::granted;
  PlaceKind place = granted ? step.next.place : was.place;
  store::EventRow row{task.seq,
                      now(),
                      kind,
                      step.next.epoch,
                      place,
                      step.failure,
                      granted ? wire::encode(task.explanation) : to_bytes(detail)};
  if (!listeners_.empty()) {
    journal_.after([this, view = view_of(row)] { emit(view); });
  }
  if (store::worth_an_event(was, step, kind)) journal_.event(std::move(row));
}

void Node::record_change(LiveTask& task, const lifecycle::OwnerTask& was, FailureClass failure) {
  const lifecycle::OwnerTask& is = task.state;
  counters_.by_state[std::size_t(was.state)] -= 1;
  counters_.by_state[std::size_t(is.state)] += 1;
  if (was.place == PlaceKind::local && is.place == PlaceKind::none) {
    note_given_up(task, was.epoch);
  }
  if (task.history.note(was, is, failure)) {
    journal_.remember(task, task.history.encode(id_of(task.seq)));
  }
  if (was.place == PlaceKind::cloud && is.place == PlaceKind::none) hold_in_cloud(task, -1);
  std::uint64_t bytes = task.spec_bytes ? task.spec_bytes->size() : 0;
  if (is.offer_pending && !was.offer_pending) cloud_.offered_bytes += bytes;
  if (was.offer_pending && !is.offer_pending) {
    cloud_.offered_bytes -= std::min(cloud_.offered_bytes, bytes);
  }
  if (is.epoch != was.epoch && is.place == PlaceKind::cloud) hold_in_cloud(task, +1);
}

void Node::hold_in_cloud(const LiveTask& task, int change) {
  double predicted =
      placement_.run_time(task.spec->kind, PlaceKind::cloud, task.work, now()).median;
  cloud_.held = change > 0 ? cloud_.held + 1 : cloud_.held - std::min(cloud_.held, 1U);
  cloud_.held_seconds = std::max(0.0, cloud_.held_seconds + change * predicted);
  // Predictions drift while a task is away; nothing held is nothing ahead.
  if (cloud_.held == 0) cloud_.held_seconds = 0;
}

// What has succeeded is never run again: of a large spec all but the input is kept.
store::EncodedBytes Node::spec_left(const LiveTask& task) {
  if (task.state.state != TaskState::succeeded || !store::is_bulk(task.spec_bytes)) return nullptr;
  TaskSpec left = *task.spec;
  left.input.not_kept = std::exchange(left.input.bytes, {}).size();
  return std::make_shared<const Bytes>(wire::encode(left));
}

void Node::finish(LiveTask& task, TaskResult result) {
  count_end(task);
  result.id = id_of(task.seq);
  result.outcome = task.state.state;
  task.history.tell(result);
  if (const Attempt* last = task.history.last()) {
    result.placement = {last->place, task.predicted, now() - last->times.started};
  }
  auto encoded = std::make_shared<const Bytes>(wire::encode(result));
  Duration age = options_.budget.of(DataClass::results).age;
  NodeTime keep_until = now() + std::min<Duration>(task.spec->retention, age);
  journal_.finish(task, std::move(encoded), keep_until, spec_left(task));
  tell_story(task);
  next_purge_ = std::min(next_purge_, std::max(keep_until, now() + kPurgeInterval));
  if (looking_up_ > 0) ended_.insert(task.seq);
  if (dependencies_ || !asked_who_waits_) {
    journal_.after(task.seq, [this, seq = task.seq,
                              good = result.outcome == TaskState::succeeded](const Error* refused) {
      if (!refused) release_dependents(seq, good);
    });
  }
  auto [first, last] = waiters_.equal_range(task.seq);
  if (first == last) return;
  TaskView view = view_of(task);
  view.result = std::move(result);
  for (auto waiter = first; waiter != last; ++waiter) {
    journal_.after(task.seq,
                   [this, seq = task.seq, who = waiter->second, view](const Error* refused) {
                     auto alive = who.lock();
                     if (!alive) return;
                     if (!refused) return alive->reply(view);
                     waiters_.emplace(seq, alive);
                     look_for_end(seq, alive);
                   });
  }
  waiters_.erase(first, last);
}

void Node::emit(EventView event) {
  std::erase_if(listeners_, [](const auto& who) { return who.expired(); });
  for (const auto& who : std::vector(listeners_)) {
    auto listener = who.lock();
    if (listener && (!listener->only || *listener->only == event.seq)) listener->reply(event);
  }
}

NodeTime Node::cycle() {
  if (stopped_) return kNever;
  look_at_clock();
  if (now() >= admission_.next_look()) look_at_budget();
  on_timers();
  schedule();
  const NodeTime leased = cycle_leased();
  flush();
  send_owed();
  if (session_) session_->connection().pump();
  if (draining_ && drained_ && claims_.empty() && journal_.idle() &&
      (!lessee_ || lessee_->idle())) {
    std::exchange(drained_, nullptr)();
  }
  NodeTime next = std::min({table_.next_timer(), purging_ ? kNever : next_purge_, next_resend_,
                            next_probe_, next_telemetry_, next_keep_, next_update_, next_review_,
                            retry_commit_, retry_release_, looking_ ? kNever : table_.disk_due(),
                            admission_.next_look(), journal_.due(), losses_.due(), leased,
                            is_barred() ? cloud_.refuses_until : kNever});
  if (session_) next = std::min(next, session_->connection().next_timer());
  return next;
}

void Node::on_timers() {
  NodeTime time = now();
  while (LiveTask* task = table_.due(time)) {
    apply(*task, lifecycle::on_time(task->state, task->policy, tick()),
          {"out of time", Code::timeout});
  }
  if (time >= retry_commit_) {
    retry_commit_ = kNever;
    journal_.retry();
  }
  if (time >= retry_release_) {
    retry_release_ = kNever;
    release_ended(0);
  }
  if (table_.needs_refill()) refill();
  if (time >= next_elders_) look_for_elders();
  if (!looking_ && time >= table_.disk_due()) look_on_disk();
  if (!purging_ && time >= next_purge_) purge();
  if (time >= next_telemetry_) send_telemetry();
  if (time >= next_keep_) keep_models();
  if (!session_) return;
  if (time >= session_->connection().next_timer()) session_->connection().on_timer();
  if (time >= next_review_) review_offers();
  if (time >= next_probe_) probe();
  if (time >= next_update_) tell_update();
  if (time >= losses_.due()) report_losses();
}

void Node::look_on_disk() {
  looking_ = true;
  parts_.store->due(
      now(), kDueSlice,
      [this, alive = std::weak_ptr(alive_)](const Result<store::OwnerStore::Due>& due) {
        if (alive.expired()) return;
        looking_ = false;
        table_.set_disk_due(due ? due->next : now() + kRetryCommit);
        if (!due) return parts_.wake();
        take_due(due->rows);
        journal_.hurry();  // the next look is to find them gone
        if (due->rows.size() == kDueSlice) table_.set_disk_due(now());
        parts_.wake();
      });
}

void Node::take_due(const std::vector<store::TaskRow>& rows) {
  placement::Place local = local_place();
  placement::Place cloud = cloud_place();
  for (const store::TaskRow& row : rows) {
    if (table_.find(row.seq)) continue;
    LiveTask& task = adopt(row);
    apply(task, lifecycle::on_time(task.state, task.policy, tick()));
    if (task.state.reason == WaitReason::no_place) {
      if (placement_.no_place(candidate_of(task), local, cloud)) {
        look_again_later(task);
      } else {
        apply(task, lifecycle::on_place_found(task.state, tick()));
      }
    } else if (task.state.state == TaskState::waiting && task.state.wake <= now()) {
      // Held, or after others, past its not_before: left as it is it would be due at every look,
      // and enough of them would hide all others.
      task.state.wake = kNever;
      journal_.update(task, task.state.state, task.state.epoch);
    }
    table_.settle(row.seq);
  }
}

void Node::look_again_later(LiveTask& task) {
  task.state.wake = now() + kLookForPlace;
  journal_.update(task, task.state.state, task.state.epoch);
}

void Node::refill() {
  auto after = table_.refill_after();
  const auto bytes = std::min<std::uint64_t>(kRefillBytes, options_.budget.memory / 8);
  parts_.store->ready_after(
      after, table_.refill_count(), static_cast<std::size_t>(bytes),
      [this, alive = std::weak_ptr(alive_)](const Result<std::vector<store::TaskRow>>& rows) {
        if (alive.expired()) return;
        if (!rows) return table_.refill_failed();
        std::optional<store::ReadyKey> last;
        for (const store::TaskRow& row : *rows) {
          last = store::ReadyKey{row.band, row.task.deadline, row.seq};
          if (!table_.find(row.seq)) adopt(row);
        }
        // An empty answer is the end; a short one may have been cut by its bytes.
        table_.refilled(last, !rows->empty());
        parts_.wake();
      });
}

void Node::purge() {
  purging_ = true;
  next_purge_ = kNever;
  parts_.store->purge(now(), kPurgeSlice,
                      [this, alive = std::weak_ptr(alive_)](const Result<store::Purged>& purged) {
                        if (alive.expired()) return;
                        purging_ = false;
                        // An idle store is not written: the next one is when a task's time is up.
                        NodeTime next = purged ? purged->next : now();
                        bool more = purged && purged->more;
                        NodeTime soonest = more ? now() : now() + kPurgeInterval;
                        next_purge_ = std::min(next_purge_, std::max(next, soonest));
                        parts_.wake();
                      });
}

void Node::flush() {
  // A core with nothing to do waits for the claims that gathered.
  const std::uint32_t busy = claims_.running() - new_claims_ + leased_cores();
  if (new_claims_ > 0 && busy < parts_.runner->width()) journal_.hurry();
  if (journal_.flush(now(), wall_.wall())) new_claims_ = 0;
}

void Node::on_committed() {
  if (!store_problem_.empty()) parts_.report("the store writes again");
  store_problem_.clear();
  retry_commit_ = kNever;
  for (std::uint64_t seq : std::exchange(unread_, {})) reload(seq);
  losses_.on_written(now());
  ledger_moved_ = true;
  parts_.wake();
}

// Memory and disk disagree about one task: what is on disk is what another start would find.
void Node::on_refused(std::uint64_t seq, const Error& why) {
  if (LiveTask* task = table_.find(seq)) {
    const lifecycle::OwnerTask& state = task->state;
    counters_.by_state[std::size_t(state.state)] -= 1;
    if (state.place == PlaceKind::local) parts_.runner->stop(id_of(seq), state.epoch);
    if (state.place == PlaceKind::cloud) hold_in_cloud(*task, -1);
    offers(urgency_of(*task)).remove(seq, task->owed);
    if (state.offer_pending) {
      const std::uint64_t bytes = task->spec_bytes ? task->spec_bytes->size() : 0;
      cloud_.offered_bytes -= std::min(cloud_.offered_bytes, bytes);
    }
    table_.drop(seq);
  }
  // One that is gone was asked for as its time was up: whoever asked is told.
  if (why.code != Code::not_found) {
    parts_.alarm("the store holds something else of one task, which goes on from there: " +
                 why.message);
  }
  reload(seq);
}

void Node::reload(std::uint64_t seq) {
  parts_.store->find(
      seq, [this, alive = std::weak_ptr(alive_), seq](const Result<store::TaskDetail>& found) {
        if (alive.expired()) return;
        if (!found) {
          if (found.error().code != Code::not_found) unread_.push_back(seq);
          return;
        }
        const lifecycle::OwnerTask& stored = found->row.task;
        counters_.by_state[std::size_t(stored.state)] += 1;
        if (is_terminal(stored.state)) return;
        LiveTask* known = table_.find(seq);
        LiveTask& task = known ? *known : adopt(found->row);
        if (task.state.place == PlaceKind::cloud) hold_in_cloud(task, +1);
        // What ran of it here was stopped: no attempt of this start is under way.
        if (task.state.place == PlaceKind::local) task.state.boot = BootId{};
        apply(task, lifecycle::recover(task.state, task.policy, options_.boot, false, tick()),
              {"the store held something else", Code::internal});
        table_.settle(seq);
        parts_.wake();
      });
}

void Node::on_store_failed(const Error& error) {
  if (error.code == Code::corrupt) {
    // A damaged file is set aside and salvaged at a start, which a service manager sees to.
    parts_.alarm("the store's file is damaged; ending to start with what can be read of it: " +
                 error.message);
    end_to_salvage();
  }
  if (store_problem_.empty()) {
    parts_.alarm("the store cannot write, nothing is accepted until it can: " + error.message);
  }
  store_problem_ = error.message;
  retry_commit_ = now() + kRetryCommit;
  parts_.wake();
}

void Node::drain(std::function<void()> done) {
  draining_ = true;
  drained_ = [others = std::move(drained_), done = std::move(done)] {
    if (others) others();
    done();
  };
  withdraw_offers();
  if (lessee_) lessee_->drain();
  parts_.wake();
}

void Node::resume() {
  draining_ = false;
  if (lessee_) lessee_->resume();
  if (auto drained = std::exchange(drained_, nullptr)) drained();
  parts_.wake();
}

void Node::reconfigure(const NodeOptions& options) {
  options_.budget = options.budget;
  admission_.set_limits(options.budget);
  options_.lease = options.lease;
  options_.probe_interval = options.probe_interval;
  options_.bandwidth = options.bandwidth;
  options_.metered = options.metered;
  if (session_) set_rate();
  options_.placement = options.placement;
  placement_.set_policy(options.placement);
  parts_.wake();
}

void Node::stop() {
  if (session_) session_->stop();
  journal_.write_losses();
  journal_.hurry();
  flush();
  keep_models();
  stopped_ = true;
}

}  // namespace spillway::agent
