#include "cloud/node/node.h"

#include <algorithm>
#include <cstdlib>

#include "common/wire/codec.h"

namespace spillway::cloud {
namespace {

constexpr Duration kRetryCommit = std::chrono::seconds(1);
constexpr Duration kBeatEvery = std::chrono::seconds(10);  // a third of the default lease
constexpr Duration kResendAfter = std::chrono::seconds(5);
constexpr Duration kPruneEvery = std::chrono::seconds(10);
constexpr Duration kCreditsEvery = std::chrono::milliseconds(50);
constexpr Duration kTombstoneAge = std::chrono::hours(24);
constexpr std::size_t kPruneSlice = 1024;

}  // namespace

Node::Node(NodeOptions options, NodeParts parts, const LedgerRecovered& recovered)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      timeline_(*parts_.clock, recovered.last_seen),
      journal_(*parts_.ledger,
               {.failed = [this](const Error& error) { on_ledger_failed(error); },
                .committed = [this] { on_committed(); }},
               [this](TaskId id) { settle(id); }) {}

void Node::on_ledger_failed(const Error& error) {
  if (error.code == Code::conflict || error.code == Code::corrupt) {
    // Memory and disk disagree, or the disk is damaged: nothing but a start from what is on disk is
    // right, and that is what a service manager does.
    parts_.report("the ledger refused what memory holds; ending to start from the disk: " +
                  error.message);
    std::abort();
  }
  if (store_problem_.empty()) {
    parts_.report("the ledger cannot write, nothing is accepted until it can: " + error.message);
  }
  store_problem_ = error.message;
  retry_commit_ = now() + kRetryCommit;
  parts_.wake();
}

void Node::on_committed() {
  if (!store_problem_.empty()) parts_.report("the ledger writes again");
  store_problem_.clear();
  retry_commit_ = kNever;
  parts_.wake();
}

void Node::attach(mqtt::Transport& transport, SessionOptions session) {
  session::Hooks hooks;
  hooks.now = [this] { return now(); };
  hooks.random = parts_.random;
  hooks.wall = [this] { return parts_.clock->wall_time(); };
  SessionEvents events{
      .up =
          [this] {
            link_problem_.clear();
            parts_.report("connected to the broker");
            if (parts_.fleet) parts_.fleet->on_link(true);
          },
      .down = [this](const Error& reason) { on_link_down(reason); },
      .device = [this](const std::string& device,
                       const wire::Presence& presence) { on_device(device, presence); },
      .item = [this](const std::string& device,
                     wire::Item item) { on_item(device, std::move(item)); },
      .refused =
          [this](const std::string& cause, const std::string& detail) {
            counters_.malformed += 1;
            parts_.refused(cause, detail);
          },
      .changed = parts_.wake};
  if (parts_.fleet) {
    events.state = [this](const std::string& device, const wire::Presence& said) {
      parts_.fleet->on_presence(device, said);
    };
    events.telemetry = [this](const std::string& device, ByteView frame) {
      parts_.fleet->on_telemetry(device, frame);
    };
  }
  session_ = std::make_unique<CloudSession>(transport, std::move(session), std::move(hooks),
                                            std::move(events));
  wire::Presence self;
  self.boot = options_.boot;
  self.version = options_.version;
  self.workers = parts_.runner->width();
  self.memory = options_.memory;
  self.tags = options_.tags;
  self.reconnect_floor = options_.reconnect_floor;
  for (const Kind* kind : parts_.kinds->list()) self.kinds.push_back({kind->name, kind->version});
  session_->describe(std::move(self));
}

// Each attempt fails anew; said once per cause.
void Node::on_link_down(const Error& reason) {
  if (parts_.fleet) parts_.fleet->on_link(false);
  if (std::exchange(link_problem_, reason.message) == reason.message) return;
  parts_.report("the connection to the broker is down: " + reason.message);
}

void Node::start(const LedgerRecovered& recovered) {
  for (const LedgerRow& row : recovered.answered) {
    adopt(row);
    tombstones_.push_back(row.id);
  }
  for (const LedgerRow& row : recovered.held) {
    HeldTask& task = adopt(row);
    if (task.result) restore_result(task);
    lifecycle::LesseeStep step = lifecycle::recover_lessee(
        task.state, options_.boot, parts_.runner->may_have_begun(row.id), task.terms.lease, tick());
    bool crashed = row.task.state == lifecycle::LeaseState::running &&
                   step.next.state == lifecycle::LeaseState::done;
    if (crashed) {
      task.crashed = true;
      wire::ResultItem item;
      item.failure = FailureClass::crash;
      item.message = "the cloud node stopped while it ran";
      keep_result(task, task.state.epoch, std::move(item));
    }
    apply(task, step);
  }
  journal_.session(recovered.session + 1);
  journal_.after([this] {
    if (session_) session_->start();
  });
  parts_.wake();
}

HeldTask* Node::find(TaskId id) {
  auto found = tasks_.find(id);
  return found == tasks_.end() ? nullptr : &found->second;
}

HeldTask& Node::adopt(const LedgerRow& row) {
  HeldTask task;
  task.id = row.id;
  task.device = row.device;
  task.state = row.task;
  task.spec_digest = row.spec_digest;
  task.spec_bytes = row.spec;
  task.result = row.result;
  task.accepted = row.accepted;
  task.crashed = row.task.failure == FailureClass::crash;
  if (row.spec) {
    Result<TaskSpec> spec = wire::decode_spec(*row.spec);
    task.spec = std::make_shared<const TaskSpec>(spec ? *std::move(spec) : TaskSpec{});
    task.kind = parts_.kinds->find(task.spec->kind);
    task.band = task.spec->band;
    task.terms.effects = task.spec->effects;
    task.terms.run_timeout = task.spec->run_timeout.value_or(std::chrono::milliseconds(0));
  }
  HeldTask& added = tasks_.insert_or_assign(row.id, std::move(task)).first->second;
  track(added, {.state = lifecycle::LeaseState::answered});
  return added;
}

void Node::apply(HeldTask& task, const lifecycle::LesseeStep& step) {
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
    journal_.after([this, device = task.device, id = task.id, epoch = step.next.epoch] {
      session_->send_ack(device, wire::Accept{id, epoch});
    });
  }
  if (step.act.send_result) {
    journal_.after([this, id = task.id] {
      if (HeldTask* done = find(id)) send_result(*done);
    });
  }
  parts_.wake();
}

// Keeps queue, timers, devices' shares and what awaits an ack in step with a task's state.
void Node::track(HeldTask& task, const lifecycle::LesseeTask& was) {
  using lifecycle::LeaseState;
  auto is_held = [](LeaseState state) {
    return state == LeaseState::accepted || state == LeaseState::running;
  };
  Device& device = devices_[task.device];
  if (is_held(was.state) != task.held()) {
    int change = task.held() ? 1 : -1;
    device.held = std::uint32_t(int(device.held) + change);
    held_ = std::uint32_t(int(held_) + change);
  }
  if (task.state.state == LeaseState::done) {
    device.unanswered.insert(task.id);
  } else {
    device.unanswered.erase(task.id);
  }
  if (was.state == LeaseState::accepted) queue_.erase(task.run_key(was));
  if (task.state.state == LeaseState::accepted) queue_.insert(task.run_key(task.state));
  if (was.state != LeaseState::answered && task.state.state == LeaseState::answered) {
    tombstones_.push_back(task.id);
  }
  show(task);
  NodeTime next = lifecycle::next_lessee_time(task.state);
  NodeTime& timer = timer_of_.try_emplace(task.id, kNever).first->second;
  if (timer == next) return;
  timers_.erase({timer, task.id});
  if (next != kNever) timers_.insert({next, task.id});
  timer = next;
}

void Node::settle(TaskId id) {
  HeldTask* task = find(id);
  if (!task || task->unsaved > 0) return;
  while (tombstones_.size() > options_.tombstones) {
    HeldTask* oldest = find(tombstones_.front());
    if (oldest && oldest->unsaved > 0) return;
    tombstones_.pop_front();
    if (oldest && oldest->state.state == lifecycle::LeaseState::answered) forget(*oldest);
  }
}

void Node::forget(HeldTask& task) {
  TaskId id = task.id;
  timer_of_.erase(id);
  tasks_.erase(id);
}

// For those who watch: the task as it is now.
void Node::show(const HeldTask& task) {
  if (!parts_.fleet) return;
  CloudTask shown;
  shown.id = task.id;
  shown.device = task.device;
  if (task.spec) shown.kind = task.spec->kind;
  shown.band = task.band;
  shown.epoch = task.state.epoch;
  shown.state = task.state.state;
  shown.failure = task.state.failure;
  shown.accepted = timeline_.wall_of(task.accepted);
  if (task.started != NodeTime{}) shown.started = timeline_.wall_of(task.started);
  if (task.state.state >= lifecycle::LeaseState::done) shown.ended = parts_.clock->wall_time();
  if (task.answer) {
    shown.ran = task.answer->report.ran;
    shown.cpu = task.answer->report.cpu;
  }
  parts_.fleet->on_task(shown);
}

void Node::show_load() {
  if (!parts_.fleet) return;
  CloudLoad load{queue_.size(), {}};
  // By order to run in, not by age; the first one is close enough to the oldest.
  if (!queue_.empty()) load.oldest = now() - std::get<2>(*queue_.begin());
  parts_.fleet->set_load(load);
}

NodeTime Node::cycle() {
  if (stopped_) return kNever;
  show_load();
  NodeTime time = now();
  while (!timers_.empty() && timers_.begin()->first <= time) {
    HeldTask& task = *find(timers_.begin()->second);
    lifecycle::LesseeStep step = lifecycle::on_lessee_time(task.state, tick());
    if (step.next.state == lifecycle::LeaseState::done) {
      wire::ResultItem item;
      item.failure = step.next.failure;
      item.code = Code::timeout;
      item.message = "the run timeout passed";
      keep_result(task, task.state.epoch, std::move(item));
    }
    apply(task, step);
  }
  if (time >= retry_commit_) {
    retry_commit_ = kNever;
    journal_.retry();
  }
  if (time >= next_beat_) beat();
  if (time >= next_resend_) resend_results(kResendAfter);
  if (time >= next_prune_) prune();
  start_ready();
  tell_credits();
  journal_.flush(now(), parts_.clock->wall_time());
  if (session_) session_->connection().pump();
  if (session_ && time >= session_->connection().next_timer()) session_->connection().on_timer();
  if (draining_ && drained_ && cores_.empty() && journal_.idle()) {
    std::exchange(drained_, nullptr)();
  }
  NodeTime next = std::min({timers_.empty() ? kNever : timers_.begin()->first, retry_commit_,
                            next_beat_, next_resend_, next_prune_});
  if (next_credits_ > now()) next = std::min(next, next_credits_);
  return session_ ? std::min(next, session_->connection().next_timer()) : next;
}

void Node::beat() {
  next_beat_ = now() + kBeatEvery;
  if (!session_ || !session_->up()) return;
  beat_sent_[++beat_round_] = now();
  while (beat_sent_.size() > 8) beat_sent_.erase(beat_sent_.begin());
  for (const auto& [id, task] : tasks_) {
    bool speaks = task.held() || task.state.state == lifecycle::LeaseState::done;
    if (!speaks || task.unsaved > 0 || !devices_[task.device].online) continue;
    session_->send_ack(task.device,
                       wire::Beat{id, task.state.epoch, task.state.state, beat_round_});
  }
}

void Node::resend_results(Duration older_than) {
  next_resend_ = now() + kResendAfter;
  for (auto& [name, device] : devices_) {
    if (!device.online) continue;
    for (TaskId id : device.unanswered) {
      HeldTask& task = *find(id);
      if (task.unsaved == 0 && now() - task.sent >= older_than) send_result(task);
    }
  }
}

Duration Node::queue_delay() const {
  double seconds = double(queue_.size()) * mean_run_ / std::max(1U, parts_.runner->width());
  return Duration(std::int64_t(seconds * 1e6));
}

// Room is shared evenly among the devices that are there; each may hold its share at once.
wire::Credits Node::credits_of(const Device&) const {
  std::uint32_t online = 0;
  for (const auto& [name, device] : devices_) online += device.online ? 1 : 0;
  wire::Credits credits;
  credits.offers = draining_ ? 0 : std::max(1U, options_.max_queue / std::max(1U, online));
  credits.queue_delay = queue_delay();
  credits.workers = parts_.runner->width();
  credits.memory = options_.memory;
  credits.rate =
      options_.uplink == 0 ? 0 : std::max<std::uint64_t>(options_.uplink / std::max(1U, online), 1);
  return credits;
}

// Tells a device its room when that changed, and the queue's delay when it moved by more than a
// fifth.
void Node::tell_credits() {
  if (now() < next_credits_ || !session_ || !session_->up()) return;
  next_credits_ = {};  // looked at in every turn, told at most so often
  for (auto& [name, device] : devices_) {
    if (!device.online) continue;
    wire::Credits credits = credits_of(device);
    Duration moved = credits.queue_delay > device.told.queue_delay
                         ? credits.queue_delay - device.told.queue_delay
                         : device.told.queue_delay - credits.queue_delay;
    bool far =
        moved > std::max(device.told.queue_delay / 5, Duration(std::chrono::milliseconds(5)));
    if (credits.offers == device.told.offers && credits.workers == device.told.workers &&
        credits.rate == device.told.rate && !far) {
      continue;
    }
    device.told = credits;
    device.told_at = now();
    session_->send_ack(name, credits);
    next_credits_ = now() + kCreditsEvery;
  }
}

void Node::prune() {
  next_prune_ = now() + kPruneEvery;
  if (pruning_) return;
  pruning_ = true;
  parts_.ledger->prune(now() - kTombstoneAge, options_.tombstones, kPruneSlice,
                       [this](Result<std::uint64_t> removed) {
                         pruning_ = false;
                         if (removed && *removed == kPruneSlice) next_prune_ = now();
                         parts_.wake();
                       });
}

void Node::drain(std::function<void()> done) {
  draining_ = true;
  drained_ = std::move(done);
  for (const HeldTask::RunKey& key : std::set(queue_)) {
    HeldTask& task = *find(std::get<TaskId>(key));
    wire::ResultItem item;
    item.failure = FailureClass::interrupted;
    item.message = "the cloud node is going away";
    keep_result(task, task.state.epoch, std::move(item));
    apply(task, lifecycle::on_finish(task.state, FailureClass::interrupted, tick()));
  }
  next_credits_ = now();
  parts_.wake();
}

void Node::set_max_queue(std::uint32_t attempts) {
  options_.max_queue = attempts;
  next_credits_ = now();
  parts_.wake();
}

void Node::set_pace(Duration reconnect_floor, std::uint64_t uplink) {
  options_.reconnect_floor = reconnect_floor;
  options_.uplink = uplink;
  next_credits_ = now();
  if (session_) session_->set_floor(reconnect_floor);
  parts_.wake();
}

void Node::stop() {
  if (session_) session_->stop();
  stopped_ = true;
}

}  // namespace spillway::cloud
