#include "cloud/dispatch/dispatch.h"

#include <algorithm>

#include "common/base/damage.h"
#include "common/store/step_event.h"
#include "common/wire/codec.h"

namespace spillway::cloud {
namespace {

constexpr Duration kRetryCommit = std::chrono::seconds(1);
constexpr Duration kPurgeEvery = std::chrono::seconds(10);
constexpr std::size_t kPurgeSlice = 256;
constexpr std::size_t kReadSlice = 1024;
constexpr std::size_t kReadBytes = 8 << 20;
constexpr std::size_t kAllWaiting = 1'000'000;  // more than may be unfinished

}  // namespace

Dispatch::Dispatch(DispatchOptions options, DispatchParts parts, const store::Recovered& recovered)
    : options_(options),
      parts_(std::move(parts)),
      lives_(recovered.lives),
      timeline_(*parts_.clock, recovered.last_seen),
      journal_(*parts_.store,
               {.failed = [this](const Error& error) { on_store_failed(error); },
                .gathered = [this] { flush(); },
                .committed = [this] { on_committed(); }},
               {.settled = [this](std::uint64_t seq) { settle(seq); },
                .refused = [this](std::uint64_t seq, const Error& why) { on_refused(seq, why); }}),
      next_seq_(recovered.next_seq) {}

Dispatch::~Dispatch() = default;

void Dispatch::start(const store::Recovered& recovered, std::function<void()> durable) {
  journal_.session(recovered.session + 1);
  journal_.after(std::move(durable));
  parts_.wake();
  for (const store::TaskRow& row : recovered.live) {
    SentTask* task = adopt(row);
    if (task) apply(*task, lifecycle::recover(task->state, task->policy, BootId{}, true, tick()));
  }
  reading_ = 2;
  read_ready(std::nullopt);
  read_waiting();
}

void Dispatch::read_ready(std::optional<store::ReadyKey> after) {
  parts_.store->ready_after(
      after, kReadSlice, kReadBytes,
      [this, after,
       alive = std::weak_ptr(alive_)](const Result<std::vector<store::TaskRow>>& rows) {
        if (alive.expired()) return;
        if (!rows) return read_again(rows.error(), [this, after] { read_ready(after); });
        if (rows->empty()) {
          reading_ -= 1;
          return parts_.wake();
        }
        for (const store::TaskRow& row : *rows) adopt(row);
        const store::TaskRow& last = rows->back();
        read_ready(store::ReadyKey{last.band, last.task.deadline, last.seq});
      });
}

// Every waiting one has a time at which it goes on or expires.
void Dispatch::read_waiting() {
  parts_.store->due(
      kNever, kAllWaiting,
      [this, alive = std::weak_ptr(alive_)](const Result<store::OwnerStore::Due>& due) {
        if (alive.expired()) return;
        if (!due) return read_again(due.error(), [this] { read_waiting(); });
        for (const store::TaskRow& row : due->rows) adopt(row);
        reading_ -= 1;
        parts_.wake();
      });
}

// Nobody else would ever look at what has not been read.
void Dispatch::read_again(const Error& error, std::function<void()> read) {
  if (std::exchange(read_problem_, error.message) != error.message) {
    parts_.alarm("cannot read what waits for devices, trying until it can: " + error.message);
  }
  unread_.push_back(std::move(read));
  retry_read_ = now() + kRetryCommit;
  parts_.wake();
}

bool Dispatch::owns(TaskId id) const {
  const std::optional<std::uint64_t> seq = lives_.seq_of(id);
  return seq && *seq < next_seq_;
}

SentTask* Dispatch::find(std::uint64_t seq) {
  auto found = tasks_.find(seq);
  return found == tasks_.end() ? nullptr : &found->second;
}

// Null: the disk has spoiled its spec, so that nobody knows any more for whom it is; it expires
// with its deadline, at the next start.
SentTask* Dispatch::adopt(const store::TaskRow& row) {
  if (SentTask* known = find(row.seq)) return known;
  Result<TaskSpec> spec =
      row.spec ? wire::decode_spec(*row.spec) : Result<TaskSpec>(fail(Code::corrupt, "no spec"));
  const bool whole = spec && spec->labels.contains(kDeviceLabel);
  if (!whole) {
    parts_.alarm("task " + to_string(id_of(row.seq)) + " is damaged and goes nowhere");
    return nullptr;
  }
  SentTask task;
  task.seq = row.seq;
  task.state = row.task;
  task.created = row.created;
  task.device = spec->labels.at(kDeviceLabel);
  task.policy = lifecycle::policy_of(*spec, options_.lease);
  task.spec_bytes = row.spec;
  task.history = owner::AttemptHistory::of(row);
  task.spec = std::make_shared<const TaskSpec>(*std::move(spec));
  SentTask& added = add(std::move(task));
  if (added.state.offer_pending) owe_offer(added.seq, added.state.epoch);
  return &added;
}

SentTask& Dispatch::add(SentTask task) {
  bytes_ += task.spec_bytes->size();
  SentTask& added = tasks_.insert_or_assign(task.seq, std::move(task)).first->second;
  track(added, {.state = TaskState::cancelled});
  return added;
}

void Dispatch::apply(SentTask& task, const lifecycle::OwnerStep& step, Cause cause) {
  if (step.verdict != lifecycle::Verdict::applied) return act(task, step);
  const lifecycle::OwnerTask was = task.state;
  task.state = step.next;
  if (!step.renewal) {
    journal_.update(task, was.state, was.epoch);
    const store::EventKind kind = store::event_of(was, step);
    if (store::worth_an_event(was, step, kind)) {
      journal_.event({task.seq, now(), kind, step.next.epoch, step.next.place, step.failure,
                      to_bytes(cause.message)});
    }
    if (task.history.note(was, task.state, step.failure)) {
      journal_.remember(task, task.history.encode(id_of(task.seq)));
    }
  }
  track(task, was);
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

void Dispatch::act(SentTask& task, const lifecycle::OwnerStep& step) {
  const lifecycle::Do& act = step.act;
  if (act.drop_offer) journal_.drop_offer({task.seq, act.stop_epoch});
  if (act.send_cancel) {
    journal_.after(
        [this, device = task.device, cancel = wire::Cancel{id_of(task.seq), act.stop_epoch}] {
          if (parts_.up()) parts_.send_task(device, cancel);
        });
  }
  if (act.send_offer) {
    journal_.put_offer({task.seq, step.next.epoch});
    journal_.after([this, seq = task.seq, epoch = step.next.epoch] { owe_offer(seq, epoch); });
  }
}

// Keeps timers and the device's share in step with a task's state.
void Dispatch::track(SentTask& task, const lifecycle::OwnerTask& was) {
  const lifecycle::OwnerTask& is = task.state;
  Target& target = targets_[task.device];
  const auto away = [](const lifecycle::OwnerTask& at) {
    return !is_terminal(at.state) && at.place != PlaceKind::none;
  };
  if (away(was) != away(is)) target.held = away(is) ? target.held + 1 : target.held - 1;
  if (was.state == TaskState::ready) {
    target.ready.erase({task.spec->band, was.deadline, task.seq});
  }
  if (is.state == TaskState::ready) target.ready.insert(task.ready_key());
  const auto keep = [&](std::set<std::uint64_t>& set, bool in) {
    if (in) {
      set.insert(task.seq);
    } else {
      set.erase(task.seq);
    }
  };
  keep(target.offered, is.offer_pending);
  if (!is.offer_pending) target.offers.remove(task.seq, task.owed);
  keep(target.placeless, is.state == TaskState::waiting && is.reason == WaitReason::no_place);
  if (target.online && !target.ready.empty()) open_.insert(task.device);
  const NodeTime next = lifecycle::next_time(is);
  if (next == task.timer) return;
  timers_.erase({task.timer, task.seq});
  if (next != kNever) timers_.insert({next, task.seq});
  task.timer = next;
}

void Dispatch::finish(SentTask& task, TaskResult result) {
  result.id = id_of(task.seq);
  result.outcome = task.state.state;
  task.history.tell(result);
  const NodeTime keep_until = now() + task.spec->retention;
  journal_.finish(task, std::make_shared<const Bytes>(wire::encode(result)), keep_until);
  next_purge_ = std::min(next_purge_, std::max(keep_until, now() + kPurgeEvery));
}

// Ended, and on disk: the store answers for it from here on.
void Dispatch::settle(std::uint64_t seq) {
  SentTask* task = find(seq);
  if (!task || task->unsaved > 0 || !is_terminal(task->state.state)) return;
  bytes_ -= task->spec_bytes->size();
  tasks_.erase(seq);
}

NodeTime Dispatch::cycle() {
  on_timers();
  for (const std::string& device : std::vector(open_.begin(), open_.end())) {
    Target& target = targets_[device];
    grant_to(device, target);
    if (!target.online || target.ready.empty()) open_.erase(device);
  }
  send_owed();
  flush();
  return std::min({timers_.empty() ? kNever : timers_.begin()->first, retry_commit_, retry_read_,
                   journal_.due(), next_resend_, purging_ ? kNever : next_purge_});
}

void Dispatch::on_timers() {
  const NodeTime time = now();
  while (!timers_.empty() && timers_.begin()->first <= time) {
    SentTask& task = *find(timers_.begin()->second);
    apply(task, lifecycle::on_time(task.state, task.policy, tick()),
          {"out of time", Code::timeout});
  }
  if (time >= retry_commit_) {
    retry_commit_ = kNever;
    journal_.retry();
  }
  if (time >= retry_read_) {
    retry_read_ = kNever;
    for (const auto& read : std::exchange(unread_, {})) read();
  }
  if (time >= next_resend_) {
    next_resend_ = time + kResendAfter;
    resend_offers();
  }
  if (!purging_ && time >= next_purge_) purge();
}

void Dispatch::purge() {
  purging_ = true;
  next_purge_ = kNever;
  parts_.store->purge(now(), kPurgeSlice,
                      [this, alive = std::weak_ptr(alive_)](const Result<store::Purged>& purged) {
                        if (alive.expired()) return;
                        purging_ = false;
                        const NodeTime next = purged ? purged->next : now() + kPurgeEvery;
                        const bool more = purged && purged->more;
                        next_purge_ = std::min(next_purge_,
                                               std::max(next, more ? now() : now() + kPurgeEvery));
                        parts_.wake();
                      });
}

void Dispatch::flush() { journal_.flush(now(), parts_.clock->wall_time()); }

void Dispatch::on_committed() {
  if (!store_problem_.empty()) parts_.report("the store of tasks for devices writes again");
  store_problem_.clear();
  retry_commit_ = kNever;
  for (std::uint64_t seq : std::exchange(refused_, {})) reload(seq);
  parts_.wake();
}

// Memory and disk disagree about one task: what is on disk is what another start would find.
void Dispatch::on_refused(std::uint64_t seq, const Error& why) {
  if (SentTask* task = find(seq)) {
    const lifecycle::OwnerTask was = std::exchange(task->state, {.state = TaskState::cancelled});
    track(*task, was);
    bytes_ -= task->spec_bytes->size();
    tasks_.erase(seq);
  }
  // One that is gone was asked for as its time was up: whoever asked is told.
  if (why.code != Code::not_found) {
    parts_.alarm(
        "the store of tasks for devices holds something else of one, which goes on from "
        "there: " +
        why.message);
  }
  reload(seq);
}

void Dispatch::reload(std::uint64_t seq) {
  parts_.store->find(
      seq, [this, seq, alive = std::weak_ptr(alive_)](const Result<store::TaskDetail>& found) {
        if (alive.expired()) return;
        if (!found) {
          if (found.error().code != Code::not_found) refused_.push_back(seq);
          return;
        }
        if (is_terminal(found->row.task.state)) return;
        SentTask* task = adopt(found->row);
        if (task)
          apply(*task, lifecycle::recover(task->state, task->policy, BootId{}, true, tick()));
      });
}

void Dispatch::on_store_failed(const Error& error) {
  if (error.code == Code::corrupt) {
    // A damaged file is set aside and salvaged at a start, which a service manager sees to.
    parts_.alarm(
        "the store of tasks for devices is damaged; ending to start with what can be read of it: " +
        error.message);
    end_to_salvage();
  }
  if (store_problem_.empty()) {
    parts_.alarm("tasks for devices cannot be written, none is taken until they can: " +
                 error.message);
  }
  store_problem_ = error.message;
  retry_commit_ = now() + kRetryCommit;
  parts_.wake();
}

}  // namespace spillway::cloud
