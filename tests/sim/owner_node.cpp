#include "tests/sim/owner_node.h"

#include <algorithm>

#include "common/base/wall_watch.h"
#include "common/crypto/sha256.h"
#include "tests/sim/world.h"

namespace spillway::sim {
namespace {

using lifecycle::OwnerTask;
using owner::OwnedTask;

constexpr std::size_t kCores = 2;
constexpr std::size_t kWindow = 2;                  // un-accepted OFFERs
constexpr unsigned kMostDraws = 1000;               // of random numbers in one turn
constexpr unsigned kSaidAgain = 250;                // of messages, per mille
constexpr unsigned kNoRoom = 100;                   // of OFFERs, per mille
constexpr unsigned kNotLeft = 200, kHurried = 700;  // per mille
constexpr auto kSelf = NodeName::owner;

Cause cause_of(const wire::Item& item) {
  if (std::holds_alternative<wire::Accept>(item)) return Cause::accept;
  if (std::holds_alternative<wire::Nack>(item)) return Cause::nack;
  if (const auto* beat = std::get_if<wire::Beat>(&item)) {
    return beat->state == lifecycle::LeaseState::running ? Cause::started : Cause::beat;
  }
  const bool success = std::get<wire::ResultItem>(item).failure == FailureClass::none;
  return success ? Cause::success : Cause::failure;
}

OwnerRow row_of(const OwnerTask& task) {
  OwnerRow row;
  row.task = task;
  return row;
}

}  // namespace

// While it lives, steps are taken for this reason; the node wants a turn then.
class OwnerNode::Because {
 public:
  Because(OwnerNode& node, const Reason& reason)
      : node_(&node), before_(std::exchange(node.reason_, reason)) {
    node.woken_ = true;
  }
  ~Because() { node_->reason_ = before_; }
  Because(const Because&) = delete;
  Because& operator=(const Because&) = delete;

 private:
  OwnerNode* node_;
  Reason before_;
};

// Tells the node what goes to the disk, and remembers for what reason a task was read.
class OwnerNode::Store final : public test::MemoryOwnerStore {
 public:
  Store(OwnerNode& node, test::OwnerDisk& disk) : MemoryOwnerStore(disk), node_(&node) {}

  void commit(sqlite::SharedBatch<store::Batch> batch, Done<store::Refused> done) override {
    if (commit_failed()) {
      node_->world_->count(Seen::failed_commits);
    } else {
      node_->hand_over(*batch);
    }
    MemoryOwnerStore::commit(std::move(batch), std::move(done));
  }
  void find(std::uint64_t seq, Done<store::TaskDetail> done) override {
    MemoryOwnerStore::find(seq, [node = node_, reason = node_->reason_,
                                 done = std::move(done)](const Result<store::TaskDetail>& found) {
      const Because because(*node, reason);
      done(found);
    });
  }

 private:
  OwnerNode* node_;
};

OwnerNode::OwnerNode(World& world) : world_(&world), bodies_(world, kSelf) {}
OwnerNode::~OwnerNode() = default;

std::size_t OwnerNode::tasks() const { return world_->plan().tasks; }
const TaskPlan& OwnerNode::plan(std::size_t task) const { return world_->plan().task[task]; }
Duration OwnerNode::wall() const { return world_->clock_of(kSelf).wall_time(); }

void OwnerNode::begin() {
  owner_.reset();
  store_.reset();
  disk_ = {};
  bodies_.clear();
  heard_.clear();
  begun_ = {};
  offered_ = {};
  store::Batch batch;
  for (std::size_t task = 0; task < tasks(); ++task) {
    store::NewTask row;
    row.row.seq = seq_of(task);
    row.row.task = plan(task).first;
    row.row.spec = plan(task).spec_bytes;
    row.kind = plan(task).spec.kind.name;
    batch.inserts.push_back(std::move(row));
    rows_[task] = written_[task] = row_of(plan(task).first);
  }
  batch.wall = wall();
  disk_.apply(batch);
  boot();
}

owner::Parts OwnerNode::parts() {
  owner::Parts parts;
  parts.clock = &world_->clock_of(kSelf);
  parts.store = store_.get();
  parts.local = this;
  parts.random = [this] { return draw(); };
  parts.wake = [this] { woken_ = true; };
  parts.report = [](const std::string&) {};
  parts.alarm = [](const std::string&) {};
  parts.refused = [this](const std::string& cause, const std::string& detail) {
    world_->checks().fail("S2", cause + ": " + detail);
  };
  parts.send_task = [this](const owner::OfferBook&, const wire::Item& item, bool) {
    return send_task(item);
  };
  parts.send_ack = [this](const owner::OfferBook&, const wire::Item& item) {
    return send_ack(item);
  };
  parts.tasks_left = [this](const owner::OfferBook&, bool) {
    return !world_->in_chaos() || !world_->random().per_mille(kNotLeft);
  };
  return parts;
}

void OwnerNode::boot() {
  store_ = std::make_unique<Store>(*this, disk_);
  store_->fail_every(world_->failing_commit(), fail(Code::io, "the disk is full"));
  draining_ = false;
  hearing_ = kMaxTasks;
  draws_ = 0;
  store::Recovered recovered = disk_.recover(Origin{world_->random().next()});
  recovered.last_seen = resume_at(recovered.last_seen, recovered.wall_at_last_seen, wall());
  owner::Options options;
  options.boot = world_->boot_of(kSelf);
  options.lease = kLease;
  owner::Host& host = *this;
  owner_ = std::make_unique<owner::Owner>(options, parts(), host, recovered);
  there_ = &owner_->book("lessee");
  // Also those that wait: they may come after one that ends at this start.
  for (const auto& [seq, task] : disk_.tasks) {
    if (!is_terminal(task.row.task.state)) owner_->adopt(task.row);
  }
  {
    const Because because(*this, {Cause::recover, {}});
    owner_->start(recovered);
  }
  link_changed(world_->is_linked());
}

void OwnerNode::die() {
  bool ahead = false;
  for (std::size_t task = 0; task < tasks(); ++task) {
    const OwnedTask* in_memory = find(task);
    ahead |= in_memory && in_memory->unsaved > 0;
  }
  if (ahead) world_->count(Seen::crashes_losing_steps);
  if (store_->writes() && world_->random().per_mille(500)) {
    const std::uint64_t before = disk_.commits;
    while (disk_.commits == before && store_->execute()) continue;
    if (disk_.commits > before) reached_disk();
  }
  for (std::size_t task = 0; task < tasks(); ++task) {
    world_->checks().owner_dies(task, written_[task]);
  }
  rows_ = written_;
  owner_.reset();
  store_.reset();
  bodies_.clear();
  heard_.clear();
}

void OwnerNode::heal() { store_->fail_every(0, {}); }

// A batch leaves the memory, for the first time.
void OwnerNode::hand_over(const store::Batch& batch) {
  flying_.fill(std::nullopt);
  for (const store::TaskUpdate& update : batch.updates) {
    flying_[task_of(update.seq)] = rows_[task_of(update.seq)];
  }
}

void OwnerNode::use_disk() {
  woken_ = true;
  const std::uint64_t before = disk_.commits;
  store_->execute();
  if (disk_.commits > before) {
    reached_disk();
    world_->fail_point(kSelf, Seen::crashes_after_commit);
  }
  store_->answer();
}

void OwnerNode::reached_disk() {
  Checks& checks = world_->checks();
  if (!disk_.broken.empty()) checks.fail("S1", disk_.broken.front());
  for (std::size_t task = 0; task < tasks(); ++task) {
    if (flying_[task]) {
      const OwnerRow old = std::exchange(written_[task], *flying_[task]);
      checks.owner_commit(task, old, written_[task]);
    }
    const std::uint64_t seq = seq_of(task);
    checks.owner_disk(task, written_[task], disk_.at(seq).row.task,
                      disk_.outbox.contains({seq, written_[task].task.epoch}));
  }
  const auto pending = std::count_if(written_.begin(), written_.begin() + std::ptrdiff_t(tasks()),
                                     [](const OwnerRow& row) { return row.offer.value > 0; });
  if (disk_.outbox.size() != std::size_t(pending)) {
    checks.fail("P10", "the outbox has a row of an attempt that is over");
  }
}

bool OwnerNode::prepare(OwnedTask& task) {
  task.on_disconnect = plan(task_of(task.seq)).on_disconnect;
  arriving_[task_of(task.seq)] = true;
  return true;
}

void OwnerNode::changed(OwnedTask& task, const OwnerTask& was) {
  const std::size_t index = task_of(task.seq);
  if (std::exchange(arriving_[index], false)) {
    return world_->checks().came_into_memory(index, rows_[index], task.state);
  }
  if (index == hearing_) stepped_ = true;
  const FailureClass failure = std::exchange(failure_, FailureClass::none);
  const OwnerRow before = rows_[index];
  OwnerRow& row = rows_[index];
  row.task = task.state;
  row.offer = offer_out(task.state);
  if (row.task.state == TaskState::succeeded && was.state != TaskState::succeeded) {
    row.result = reason_.run;
  }
  if (row.task.epoch != was.epoch) row.grant = world_->checks().new_grant();
  if (reason_.cause == Cause::retry) ++row.retries;
  const lifecycle::LiveAttempt* here = was.attempt_at(kHere);
  const bool in_time = reason_.cause == Cause::time && here && here->run_until <= owner_->now();
  if (in_time) world_->checks().attempt_failed(index);
  const Epoch epoch = is_ack(reason_.cause) ? reason_.epoch : was.epoch;
  const Checks::OwnerEvent event{index, reason_.cause, epoch, before, row, true, reason_.run};
  world_->checks().owner_step(event);
  note_step(index);
  world_->tally().step(event, failure);
}

void OwnerNode::note_step(std::size_t task) {
  const OwnerTask& state = rows_[task].task;
  world_->note(kSelf, "task %zu %s(%u): %s/%s epoch %u place %s%s attempts %u crashes %u", task,
               to_string(reason_.cause), reason_.epoch.value, to_string(state.state).data(),
               to_string(state.reason).data(), state.epoch.value,
               owner_->places().name_of(state.place()).c_str(),
               offer_out(state) != Epoch{} ? " (offer pending)" : "", state.attempts,
               state.crashes);
}

// What was heard changed nothing.
void OwnerNode::no_step(std::size_t task) {
  const OwnerRow& row = rows_[task];
  const Checks::OwnerEvent event{task, reason_.cause, reason_.epoch, row, row, false, reason_.run};
  world_->checks().owner_step(event);
  world_->tally().step(event, FailureClass::none);
}

// In the same group as the step that finished the task: were it left to an effect, a crash between
// the two would leave them waiting for ever.
void OwnerNode::ended(OwnedTask& task, TaskResult result) {
  const std::size_t index = task_of(task.seq);
  world_->checks().kept(index, rows_[index], run_of(result.value.bytes));
  owner_->journal().after([this, index, state = task.state.state, retries = rows_[index].retries] {
    world_->fail_point(kSelf, Seen::crashes_after_commit);
    world_->checks().told(index, state, retries, written_[index]);
  });
  const bool succeeded = task.state.state == TaskState::succeeded;
  for (std::size_t next = index + 1; next < tasks(); ++next) {
    OwnedTask* dependent = plan(next).after == static_cast<int>(index) ? find(next) : nullptr;
    if (!dependent || dependent->state.deps == 0) continue;
    const Because because(*this, {Cause::dependency, {}});
    owner_->apply(*dependent, lifecycle::on_dependency(dependent->state, succeeded, owner_->tick()),
                  {"a task it comes after failed", Code::conflict});
  }
}

std::uint64_t OwnerNode::draw() {
  if (++draws_ > kMostDraws) {
    world_->checks().fail("T1", "a timer that was due did nothing");
    throw PowerCut{kSelf};
  }
  return world_->random().next();
}

void OwnerNode::heed(const wire::Item& item) {
  woken_ = true;
  draws_ = 0;
  const std::optional<About> attempt = about(item);
  if (!attempt) return deliver(item);
  Reason reason{cause_of(item), attempt->epoch};
  const auto* result = std::get_if<wire::ResultItem>(&item);
  if (result) reason.run = run_of(result->value.bytes);
  const Because because(*this, reason);
  const OwnerTask& state = rows_[attempt->task].task;
  const Epoch taken_for = epoch_seen(world_->variant(), state, attempt->epoch);
  const wire::Item heard = under(item, taken_for);
  if (result) {
    const Heard one{attempt->task, taken_for, {attempt->epoch, result->failure, reason.run}};
    if (std::find(heard_.begin(), heard_.end(), one) == heard_.end()) heard_.push_back(one);
  }
  hearing_ = attempt->task;
  stepped_ = false;
  deliver(heard);
  if (!stepped_) no_step(attempt->task);
  if (result && world_->variant() == Variant::ack_early) answer_early(*result);
  // What was applied, applied again, changes nothing.
  if (world_->random().per_mille(kSaidAgain)) {
    const OwnerTask once = rows_[attempt->task].task;
    deliver(heard);
    world_->checks().same_again(attempt->task, once, rows_[attempt->task].task);
  }
  hearing_ = kMaxTasks;
}

void OwnerNode::deliver(const wire::Item& item) {
  owner::Offers& offers = owner_->offers();
  std::visit(
      [&](const auto& one) {
        if constexpr (requires { offers.on(*there_, one); }) offers.on(*there_, one);
      },
      item);
}

void OwnerNode::answer_early(const wire::ResultItem& item) {
  const std::size_t task = task_of(item.id.seq);
  const bool known = rows_[task].task.state == TaskState::succeeded;
  wire::ResultAck ack{item.id, item.epoch, wire::ResultVerdict::stale};
  if (known) ack.verdict = wire::ResultVerdict::duplicate;
  if (stepped_) ack.verdict = wire::ResultVerdict::accepted;
  send_ack(ack);
}

bool OwnerNode::send_task(const wire::Item& item) {
  if (!world_->is_linked()) return false;
  world_->fail_point(kSelf, Seen::crashes_after_commit);
  if (const auto* offer = std::get_if<wire::Offer>(&item)) {
    if (world_->in_chaos() && world_->random().per_mille(kNoRoom)) {
      world_->wake_soon(kSelf);
      return false;
    }
    const std::size_t task = task_of(offer->id.seq);
    if (offered_[task] == offer->epoch) world_->count(Seen::offers_resent);
    offered_[task] = offer->epoch;
    world_->checks().offered(task, *offer, written_[task]);
  }
  world_->send(kSelf, {item});
  return true;
}

bool OwnerNode::send_ack(wire::Item item) {
  world_->fail_point(kSelf, Seen::crashes_after_commit);
  if (auto* ack = std::get_if<wire::ResultAck>(&item)) acknowledge(*ack);
  if (const auto* beat = std::get_if<wire::BeatAck>(&item); beat && !beat->keep) {
    world_->count(Seen::beats_stopped_attempts);
  }
  if (world_->is_linked()) world_->send(kSelf, {item});
  return true;
}

void OwnerNode::acknowledge(wire::ResultAck& ack) {
  const std::size_t task = task_of(ack.id.seq);
  std::vector<Checks::Heard> heard;
  for (const Heard& one : heard_) {
    if (one.task == task && one.taken_for == ack.epoch) heard.push_back(one.what);
  }
  if (!heard.empty()) ack.epoch = heard.back().epoch;
  world_->checks().acked(task, ack, heard, written_[task]);
}

void OwnerNode::run_here(std::uint64_t seq, Epoch epoch) {
  world_->fail_point(kSelf, Seen::crashes_after_commit);
  const std::size_t index = task_of(seq);
  const OwnedTask* task = find(index);
  const lifecycle::LiveAttempt* out = task ? task->state.attempt(epoch) : nullptr;
  if (!out || out->place != kHere) return;
  world_->checks().starts_local(index, epoch, written_[index]);
  begun_[index] = epoch;
  bodies_.begin(index, epoch, world_->checks().begin_run(index));
}

void OwnerNode::stop_here(TaskId id, Epoch epoch) { bodies_.stop(task_of(id.seq), epoch); }

std::optional<NodeTime> OwnerNode::begun_here(TaskId id, Epoch epoch) const {
  const Body* body = bodies_.find(task_of(id.seq), epoch);
  if (!body) return std::nullopt;
  return owner_->now() - (world_->clock_of(kSelf).boot_time() - body->begun);
}

// A stop of the whole machine leaves it open which bodies had begun.
bool OwnerNode::may_have_begun(TaskId id) const {
  const std::size_t task = task_of(id.seq);
  return begun_[task] == written_[task].task.epoch || world_->random().per_mille(300);
}

void OwnerNode::body_ends(RunId run) {
  const std::optional<Body> body = bodies_.end(run);
  if (!body) return;
  if (body->failure == FailureClass::crash) return world_->crash(kSelf, "user code took it down");
  draws_ = 0;
  end(*body);
}

// Hears of a run's end as from a place for runs; one that was given up may end when its task has
// left memory.
void OwnerNode::end(const Body& body) {
  world_->checks().run_ended(body.run, body.failure);
  world_->note(kSelf, "run %u of task %zu ended: %s", body.run, body.task,
               to_string(body.failure).data());
  const bool success = body.failure == FailureClass::none;
  if (body.failure == FailureClass::error) world_->checks().attempt_failed(body.task);
  Reason reason{success ? Cause::success : Cause::failure, body.epoch};
  if (success) reason.run = body.run;
  const Because because(*this, reason);
  owner_->with_task(
      seq_of(body.task), [](const Error&) {},
      [this, body](OwnedTask& task) { take_outcome(task, body); });
}

void OwnerNode::take_outcome(OwnedTask& task, const Body& body) {
  hearing_ = body.task;
  stepped_ = false;
  const Epoch epoch = epoch_seen(world_->variant(), task.state, body.epoch);
  if (body.failure == FailureClass::none) {
    const bool late = !is_terminal(task.state.state) && task.state.epoch != body.epoch;
    if (owner_->succeed(task, epoch) == lifecycle::Verdict::applied) {
      if (late) world_->count(Seen::late_success_of_stopped);
      TaskResult result;
      result.value.bytes = value_of(body.run);
      result.digest = crypto::sha256(result.value.bytes);
      owner_->finish(task, std::move(result));
    }
  } else {
    owner_->fail_attempt(task, epoch, body.failure, fail(Code::internal, "bad luck"), true);
  }
  if (!stepped_) no_step(body.task);
  hearing_ = kMaxTasks;
}

void OwnerNode::link_changed(bool up) {
  woken_ = true;
  draws_ = 0;
  if (up) {
    on_presence(world_->presence_of(NodeName::lessee));
    for (std::size_t task = 0; task < tasks(); ++task) {
      OwnedTask* found = find(task);
      if (!found) continue;
      const Because because(*this, {Cause::place_found, {}});
      owner_->apply(*found, lifecycle::on_place_found(found->state, owner_->tick()));
    }
    return;
  }
  there_->on_gone();
  const Because because(*this, {Cause::link_down, {}});
  owner_->offers().take_back(*there_, "the link went down");
  for (std::size_t task = 0; task < tasks(); ++task) {
    OwnedTask* found = find(task);
    if (found && found->on_disconnect == OnDisconnect::fail) {
      owner_->apply(
          *found,
          lifecycle::on_link_down(found->state, OnDisconnect::fail, there_->id(), owner_->tick()),
          {"the link is down and on_disconnect is fail", Code::unavailable});
    }
    world_->checks().after_link_down(task, rows_[task]);
  }
}

void OwnerNode::on_presence(const wire::Presence& presence) {
  owner_->offers().on_presence(*there_, presence);
}

void OwnerNode::wake() {
  draws_ = 0;
  const Because because(*this, {Cause::time, {}});
  owner_->on_timers();
}

bool OwnerNode::has_core() const {
  std::size_t used = bodies_.size();
  for (std::size_t task = 0; task < tasks(); ++task) {
    const OwnerTask& state = rows_[task].task;
    const lifecycle::LiveAttempt* here = state.attempt_at(kHere);
    const bool starting = here && bodies_.find(task, here->epoch) == nullptr;
    if (starting) ++used;
  }
  return used < kCores;
}

void OwnerNode::place(std::size_t index) {
  OwnedTask* task = find(index);
  if (!task || task->state.state != TaskState::ready) return;
  const TaskPlan& plan = this->plan(index);
  const bool here = plan.local && has_core() &&
                    (there_->online() || plan.on_disconnect != OnDisconnect::wait || !plan.remote);
  const bool there = plan.remote && there_->online() && there_->pending().size() < kWindow;
  const unsigned lean = task->state.losses > 0 ? 700 : 400;
  const bool local = here && (!there || world_->random().per_mille(lean));
  if (here || there) {
    const Because because(*this, {Cause::grant, task->state.epoch});
    owner_->grant(*task, local ? kHere : there_->id());
    if (world_->random().per_mille(kHurried)) owner_->journal().hurry();
  } else if (!there_->online() && !plan.local) {
    const Because because(*this, {Cause::no_place, {}});
    owner_->apply(*task, lifecycle::on_no_place(task->state, owner_->tick()));
  }
}

void OwnerNode::settle() {
  if (!woken_) return;
  draws_ = 0;
  const bool places = !draining_ && owner_->store_problem().empty();
  for (std::size_t task = 0; task < tasks() && places; ++task) place(task);
  owner_->flush(wall());
  owner_->send_owed();
  if (!store_->idle()) world_->schedule_disk(kSelf, store_->writes());
  woken_ = false;
}

void OwnerNode::cancel(std::size_t task) {
  const Because because(*this, {Cause::cancel, {}});
  owner_->cancel(seq_of(task), [](const Result<void>&) {});
}

void OwnerNode::hold(std::size_t task) {
  const Because because(*this, {Cause::hold, {}});
  owner_->hold(seq_of(task), [](const Result<void>&) {});
}

void OwnerNode::release(std::size_t task) {
  const Because because(*this, {Cause::release, {}});
  owner_->release(seq_of(task), [](const Result<void>&) {});
}

void OwnerNode::retry(std::size_t task) {
  const Because because(*this, {Cause::retry, {}});
  owner_->retry(seq_of(task), std::nullopt, [](const Result<void>&) {});
}

void OwnerNode::withdraw(std::size_t index) {
  OwnedTask* task = find(index);
  if (!task) return;
  const Because because(*this, {Cause::withdraw, task->state.epoch});
  owner_->apply(*task, lifecycle::withdraw(task->state, task->state.epoch, owner_->tick()),
                {"estimates moved", Code::timeout});
}

void OwnerNode::shut_down() {
  draining_ = true;
  for (const Body& body : bodies_.interrupt()) end(body);
}

bool OwnerNode::is_quiet() const {
  const auto is_over = [](const OwnerRow& row) { return is_terminal(row.task.state); };
  return owner_->idle() && store_->idle() && disk_.outbox.empty() &&
         std::all_of(written_.begin(), written_.begin() + std::ptrdiff_t(tasks()), is_over);
}

}  // namespace spillway::sim
