#include "common/owner/owner.h"

#include <algorithm>

#include "common/base/damage.h"
#include "common/owner/step_event.h"
#include "common/wire/codec.h"

namespace spillway::owner {
namespace {

constexpr Duration kRetryCommit = std::chrono::seconds(1);
constexpr Duration kPurgeEvery = std::chrono::seconds(10);
constexpr std::size_t kPurgeSlice = 256;

constexpr lifecycle::OwnerTask kNotInMemory{.state = TaskState::cancelled};

// The place of the attempt that a step speaks of.
PlaceId place_of(const lifecycle::OwnerTask& was, const lifecycle::OwnerStep& step) {
  const lifecycle::LiveAttempt* failed = was.attempt(step.failed);
  return failed ? failed->place : was.place();
}

// What is kept of the spec of one that ended; null: all of it. What has succeeded is never run
// again: of a large spec all but the input is kept.
sqlite::EncodedBytes spec_left(const OwnedTask& task) {
  if (task.state.state != TaskState::succeeded || !sqlite::is_bulk(task.spec_bytes)) return nullptr;
  TaskSpec left = *task.spec;
  left.input.not_kept = std::exchange(left.input.bytes, {}).size();
  return std::make_shared<const Bytes>(wire::encode(left));
}

// Notes when the body of an attempt that is over for its task began, before the history closes it;
// of one at another node, what was last `said`.
void note_begin(OwnedTask& task, TaskId id, const lifecycle::LiveAttempt& over, NodeTime said,
                const Parts& parts) {
  if (over.place != kHere) {
    if (over.started) task.history.began_there(over.epoch, said);
  } else if (auto begun = parts.local->begun_here(id, over.epoch)) {
    // It still runs: it has run until now.
    task.history.began_here(over.epoch, *begun);
  }
}

}  // namespace

Owner::Owner(Options options, Parts parts, Host& host, const store::Recovered& recovered)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      host_(host),
      lives_(recovered.lives),
      places_(recovered.places),
      timeline_(*parts_.clock, recovered.last_seen),
      journal_(*parts_.store,
               {.failed = [this](const Error& error) { on_store_failed(error); },
                .gathered = [this] { host_.gathered(); },
                .committed = [this] { on_committed(); }},
               {.settled = [this](std::uint64_t seq) { settle(seq); },
                .refused = [this](std::uint64_t seq, const Error& why) { on_refused(seq, why); }}),
      offers_(*this, options_, parts_),
      next_seq_(recovered.next_seq) {
  std::copy(std::begin(recovered.counts.by_state), std::end(recovered.counts.by_state),
            std::begin(by_state_));
}

void Owner::start(const store::Recovered& recovered) {
  journal_.session(recovered.session + 1);
  for (const store::TaskRow& row : recovered.live) {
    OwnedTask* task = adopt(row);
    if (!task) continue;
    const bool may_have_begun = !parts_.local || parts_.local->may_have_begun(id_of(row.seq));
    recover(*task, may_have_begun, "this node stopped while it ran");
  }
  parts_.wake();
}

void Owner::recover(OwnedTask& task, bool may_have_begun, const std::string& why) {
  apply(task, lifecycle::recover(task.state, task.policy, options_.boot, may_have_begun, tick()),
        {why, Code::internal});
}

std::optional<std::uint64_t> Owner::own(TaskId id) const {
  const std::optional<std::uint64_t> seq = lives_.seq_of(id);
  return seq && *seq < next_seq_ ? seq : std::nullopt;
}

std::uint64_t Owner::unfinished() const {
  std::uint64_t live = 0;
  for (std::size_t i = 0; i < std::size_t(TaskState::succeeded); ++i) live += by_state_[i];
  return live;
}

std::optional<OwnedTask> Owner::read(const store::TaskRow& row) {
  OwnedTask task;
  task.seq = row.seq;
  task.created = row.created;
  task.state = row.task;
  task.spec_bytes = row.spec;
  task.only_at = row.only_at;
  task.history = AttemptHistory::of(row, places_);
  task.in_group = row.together.size > 1;
  task.spec = decoded(row.spec);
  task.policy = lifecycle::policy_of(*task.spec, options_.lease);
  return host_.prepare(task) ? std::optional(std::move(task)) : std::nullopt;
}

// Tasks of a group have one spec, and come in a row.
std::shared_ptr<const TaskSpec> Owner::decoded(const sqlite::EncodedBytes& bytes) {
  auto known = last_spec_.lock();
  if (known && bytes && last_bytes_.lock() == bytes) return known;
  Result<TaskSpec> spec =
      bytes ? wire::decode_spec_in_place(bytes) : Result<TaskSpec>(fail(Code::corrupt, "no spec"));
  // A spec the disk has spoiled cannot run; its task ends through its attempts, or its deadline.
  auto made = std::make_shared<const TaskSpec>(spec ? *std::move(spec) : TaskSpec{});
  last_bytes_ = bytes;
  last_spec_ = made;
  return made;
}

OwnedTask* Owner::adopt(const store::TaskRow& row) {
  if (OwnedTask* known = find(row.seq)) return known;
  if (std::optional<OwnedTask> task = read(row)) return &add(*std::move(task));
  parts_.alarm("task " + to_string(id_of(row.seq)) + " is damaged and goes nowhere");
  return nullptr;
}

OwnedTask& Owner::insert(store::NewTask row, std::shared_ptr<const TaskSpec> spec) {
  door_.enter();
  row.row.seq = next_seq_++;
  OwnedTask task;
  task.seq = row.row.seq;
  task.created = row.row.created;
  task.state = row.row.task;
  task.spec_bytes = row.row.spec;
  task.only_at = row.row.only_at;
  task.in_group = row.row.together.size > 1;
  task.spec = std::move(spec);
  task.policy = lifecycle::policy_of(*task.spec, options_.lease);
  host_.prepare(task);
  by_state_[std::size_t(task.state.state)] += 1;
  OwnedTask& added = add(std::move(task));
  keep_name(added.only_at);
  journal_.insert(added, std::move(row));
  return added;
}

// Numbers of places are in rows: their names go to the disk no later.
void Owner::keep_name(PlaceId place) {
  if (places_.must_keep(place)) journal_.keep_name({place, places_.name_of(place)});
}

OwnedTask& Owner::add(OwnedTask task) {
  OwnedTask& added = table_.add(std::move(task));
  track(added, kNotInMemory);
  return added;
}

void Owner::track(OwnedTask& task, const lifecycle::OwnerTask& was) {
  table_.refresh(task);
  offers_.track(task);
  host_.changed(task, was);
}

// One of the two is called, at once or after the disk was asked; nothing once the owner is gone. A
// task that was read for this stays in memory only as long as a commit or the host needs it.
void Owner::with_task(std::uint64_t seq, std::function<void(const Error&)> refused,
                      std::function<void(OwnedTask&)> use) {
  if (OwnedTask* live = find(seq)) return use(*live);
  parts_.store->find(
      seq, gate_.pass([this, seq, refused = std::move(refused),
                       use = std::move(use)](const Result<store::TaskDetail>& found) {
        if (OwnedTask* live = find(seq)) return use(*live);
        if (!found) return refused(found.error());
        OwnedTask* task = adopt(found->row);
        if (!task) return refused(fail(Code::corrupt, "the task's spec cannot be read any more"));
        use(*task);
        settle(seq);
      }));
}

void Owner::settle(std::uint64_t seq) {
  OwnedTask* task = find(seq);
  if (task && task->unsaved == 0 && !host_.keeps(*task)) forget(*task);
}

void Owner::settle_all() {
  std::vector<std::uint64_t> idle;
  table_.each([&](const OwnedTask& task) {
    if (task.unsaved == 0 && !host_.keeps(task)) idle.push_back(task.seq);
  });
  for (std::uint64_t seq : idle) forget(at(seq));
}

void Owner::forget(OwnedTask& task) {
  host_.forgets(task);
  table_.forget(task);
}

// Takes a step that the machine decided on the task's present state; any other verdict changes
// nothing, and only what it asks for is done. Memory comes first; then the journal has the row's
// update, the names of places that it speaks of, and what record() adds, all in one batch; then
// counts and the host (track), then what the step asks for. A task that ended without a result of
// an attempt gets its result here; a success waits for finish() by the caller. A mere renewal of
// the lease is not written.
void Owner::apply(OwnedTask& task, const lifecycle::OwnerStep& step, Cause cause) {
  if (step.verdict != lifecycle::Verdict::applied) return act(task, step);
  const lifecycle::OwnerTask was = task.state;
  task.state = step.next;
  if (!step.renewal) {
    keep_name(was.place());
    keep_name(task.state.place());
    journal_.update(task, was.state, was.epoch);
    record(task, was, step, cause.message);
  }
  track(task, was);
  act(task, step);
  if (step.act.finished && !step.act.keep_result) {
    TaskResult result;
    if (task.state.state == TaskState::failed) {
      result.error = TaskError{step.failure, cause.code, std::move(cause.message),
                               places_.name_of(place_of(was, step)), was.epoch};
    }
    finish(task, std::move(result));
  }
  parts_.wake();
}

// What an applied step leaves behind, in the batch of its update and with the state already moved
// on: an event, for whoever listens and, if it is worth a row, for the disk; the count of states;
// the history of attempts, which is written with it where it changed.
void Owner::record(OwnedTask& task, const lifecycle::OwnerTask& was,
                   const lifecycle::OwnerStep& step, const std::string& detail) {
  const store::EventKind kind = owner::event_of(was, step);
  const bool granted = kind == store::EventKind::granted;
  const bool weighed = granted && !task.explanation.candidates.empty();
  store::EventRow row{task.seq,
                      now(),
                      kind,
                      step.next.epoch,
                      granted ? step.next.place() : place_of(was, step),
                      step.failure,
                      weighed ? wire::encode(task.explanation) : to_bytes(detail)};
  host_.told(row);
  if (owner::worth_an_event(was, step, kind)) journal_.event(std::move(row));
  by_state_[std::size_t(was.state)] -= 1;
  by_state_[std::size_t(task.state.state)] += 1;
  for (const lifecycle::LiveAttempt& one : was.live) {
    if (!task.state.attempt(one.epoch)) note_begin(task, id_of(task.seq), one, was.since, parts_);
  }
  if (task.history.note(was, step, places_)) {
    journal_.remember(task, task.history.encode(id_of(task.seq)));
  }
}

// Does what a step asks for, after its update is in the journal's batch: a stop here at once;
// CANCEL, an offer and a run here once that batch is on disk. By then the task may have gone on or
// left memory, so these know it by number and epoch.
void Owner::act(OwnedTask& task, const lifecycle::OwnerStep& step) {
  const lifecycle::Do& act = step.act;
  const std::uint64_t seq = task.seq;
  const Epoch epoch = step.next.epoch;
  for (const lifecycle::AttemptAct& one : act.attempts) {
    if (one.drop_offer) journal_.drop_offer({seq, one.epoch});
    if (!one.stop) continue;
    if (one.place == kHere) {
      parts_.local->stop_here(id_of(seq), one.epoch);
    } else {
      offers_.cancel(one.place, id_of(seq), one.epoch);
    }
  }
  if (act.send_offer) {
    journal_.put_offer({seq, epoch});
    journal_.after([this, seq, epoch] { offers_.owe(seq, epoch); });
  }
  if (act.run_local) journal_.whenever([this, seq, epoch] { parts_.local->run_here(seq, epoch); });
}

// Grants a ready task to a place with its explanation. False, and nothing has changed: its data or
// its submitter keep it elsewhere, the machine says no, or the place has no name.
bool Owner::grant(OwnedTask& task, PlaceId place, Explanation why) {
  // Looked at again here, whatever was decided: data that must stay stays (P11).
  if (place != kHere && task.spec->data == DataScope::edge_only) return false;
  if (task.only_at != kNowhere && task.only_at != place) return false;
  const lifecycle::OwnerStep step =
      lifecycle::grant(task.state, task.policy, place, options_.boot, tick());
  const std::string& name = places_.name_of(place);
  if (step.verdict != lifecycle::Verdict::applied || name.empty()) return false;
  why.epoch = step.next.epoch;
  why.chosen = name;
  for (const Candidate& candidate : why.candidates) {
    if (candidate.place != why.chosen) continue;
    task.predicted = candidate.wait + candidate.transfer + candidate.run;
  }
  task.explanation = std::move(why);
  apply(task, step);
  return true;
}

lifecycle::Verdict Owner::succeed(OwnedTask& task, Epoch epoch) {
  const lifecycle::OwnerStep step = lifecycle::on_success(task.state, task.policy, epoch, tick());
  apply(task, step);
  if (step.act.keep_result) {
    task.history.won(epoch);
  } else {
    host_.repeated();
  }
  return step.verdict;
}

bool Owner::fail_attempt(OwnedTask& task, Epoch epoch, FailureClass failure, const Error& error,
                         bool again) {
  // The same request fails the same way again: such errors use up all attempts at once.
  const bool hopeless = error.code == Code::invalid_argument || error.code == Code::unsupported;
  lifecycle::OwnerPolicy policy = task.policy;
  if (hopeless || !again) policy.retry.max_attempts = 1;
  const lifecycle::OwnerStep step =
      lifecycle::on_failure(task.state, policy, epoch, failure, tick());
  apply(task, step, {error.message, error.code});
  return step.verdict == lifecycle::Verdict::applied;
}

void Owner::finish(OwnedTask& task, TaskResult result) {
  result.id = id_of(task.seq);
  result.outcome = task.state.state;
  task.history.tell(result);
  const NodeTime keep_until = host_.ending(task, result);
  journal_.finish(task, std::make_shared<const Bytes>(wire::encode(result)), keep_until,
                  spec_left(task));
  next_purge_ = std::min(next_purge_, std::max(keep_until, now() + kPurgeEvery));
  host_.ended(task, std::move(result));
}

void Owner::ask(std::uint64_t seq, const std::string& verb, const Step& step,
                const Done<void>& done) {
  with_task(seq, done, [this, verb, step, done](OwnedTask& task) {
    const Result<lifecycle::OwnerStep> taken = step(task);
    if (!taken) return done(taken.error());
    if (taken->verdict == lifecycle::Verdict::stale) {
      return done(fail(Code::conflict, "cannot " + verb + " a task that is " +
                                           std::string(to_string(task.state.state))));
    }
    apply(task, *taken, {verb + " asked for", Code::cancelled});
    journal_.after(task.seq, [done](const Error* refused) { refused ? done(*refused) : done({}); });
    parts_.wake();
  });
}

void Owner::cancel(std::uint64_t seq, const Done<void>& done) {
  ask(
      seq, "cancel",
      [this](const OwnedTask& task) { return lifecycle::cancel(task.state, tick()); }, done);
}

void Owner::hold(std::uint64_t seq, const Done<void>& done) {
  ask(
      seq, "hold", [this](const OwnedTask& task) { return lifecycle::hold(task.state, tick()); },
      done);
}

void Owner::release(std::uint64_t seq, const Done<void>& done) {
  ask(
      seq, "release",
      [this](const OwnedTask& task) { return lifecycle::release(task.state, tick()); }, done);
}

void Owner::retry(std::uint64_t seq, std::optional<Duration> usual_deadline,
                  const Done<void>& done) {
  ask(
      seq, "retry",
      [this, usual_deadline](const OwnedTask& task) -> Result<lifecycle::OwnerStep> {
        const TaskSpec& spec = *task.spec;
        const std::optional<Duration> span = spec.deadline ? spec.deadline : usual_deadline;
        lifecycle::Anew anew;
        if (span) anew.deadline = now() + *span;
        if (spec.queue_timeout) anew.start_by = now() + *spec.queue_timeout;
        if (spec.not_before) anew.not_before = task.created + *spec.not_before;
        const lifecycle::OwnerStep step = lifecycle::retry(task.state, anew, tick());
        if (step.verdict != lifecycle::Verdict::applied) return step;
        if (Status room = host_.has_room_for(task); !room) return room.error();
        return step;
      },
      done);
}

void Owner::on_timers() {
  door_.enter();
  const NodeTime time = now();
  while (OwnedTask* task = table_.due(time)) {
    apply(*task, lifecycle::on_time(task->state, task->policy, tick()),
          {"out of time", Code::timeout});
  }
  if (time >= retry_commit_) {
    retry_commit_ = kNever;
    journal_.retry();
  }
  offers_.on_timer();
  if (!purging_ && time >= next_purge_) purge();
}

NodeTime Owner::next_timer() const {
  return std::min({table_.next_timer(), retry_commit_, offers_.next_timer(), journal_.due(),
                   purging_ ? kNever : next_purge_});
}

void Owner::purge() {
  purging_ = true;
  next_purge_ = kNever;
  parts_.store->purge(now(), kPurgeSlice, gate_.pass([this](const Result<store::Purged>& purged) {
    purging_ = false;
    // An idle store is not written: the next one is when a task's time is up.
    const NodeTime next = purged ? purged->next : now();
    const NodeTime soonest = purged && purged->more ? now() : now() + kPurgeEvery;
    next_purge_ = std::min(next_purge_, std::max(next, soonest));
    parts_.wake();
  }));
}

void Owner::on_committed() {
  if (!store_problem_.empty()) parts_.report(options_.store + " writes again");
  store_problem_.clear();
  retry_commit_ = kNever;
  for (std::uint64_t seq : std::exchange(unread_, {})) reload(seq);
  host_.committed();
  parts_.wake();
}

void Owner::on_store_failed(const Error& error) {
  if (error.code == Code::corrupt) {
    // A damaged file is set aside and salvaged at a start, which a service manager sees to.
    parts_.alarm(
        options_.store +
        "'s file is damaged; ending to start with what can be read of it: " + error.message);
    end_to_salvage();
  }
  if (store_problem_.empty()) {
    parts_.alarm(options_.store +
                 " cannot write, nothing is accepted until it can: " + error.message);
  }
  store_problem_ = error.message;
  retry_commit_ = now() + kRetryCommit;
  parts_.wake();
}

// Memory and disk disagree about one task: what is on disk is what another start would find.
void Owner::on_refused(std::uint64_t seq, const Error& why) {
  if (OwnedTask* task = find(seq)) {
    const lifecycle::OwnerTask was = std::exchange(task->state, kNotInMemory);
    by_state_[std::size_t(was.state)] -= 1;
    if (const auto* here = was.attempt_at(kHere)) parts_.local->stop_here(id_of(seq), here->epoch);
    track(*task, was);
    forget(*task);
  }
  // A row that is gone was asked for as its time was up: whoever asked is told.
  if (why.code != Code::not_found) {
    parts_.alarm(options_.store +
                 " holds something else of one task, which goes on from there: " + why.message);
  }
  reload(seq);
}

void Owner::reload(std::uint64_t seq) {
  parts_.store->find(seq, gate_.pass([this, seq](const Result<store::TaskDetail>& found) {
    if (!found) {
      if (found.error().code != Code::not_found) unread_.push_back(seq);
      return;
    }
    by_state_[std::size_t(found->row.task.state)] += 1;
    if (is_terminal(found->row.task.state)) return;
    OwnedTask* task = adopt(found->row);
    if (!task) return;
    // What ran of the task here was stopped: no attempt of this start is under way.
    for (lifecycle::LiveAttempt& one : task->state.live) {
      if (one.place == kHere) one.boot = BootId{};
    }
    recover(*task, false, options_.store + " held something else");
    settle(seq);
    parts_.wake();
  }));
}

}  // namespace spillway::owner
