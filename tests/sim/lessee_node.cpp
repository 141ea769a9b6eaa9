#include "tests/sim/lessee_node.h"

#include <algorithm>
#include <utility>

#include "common/base/wall_watch.h"
#include "common/crypto/sha256.h"
#include "tests/sim/world.h"

namespace spillway::sim {
namespace {

using lifecycle::LeaseState;
using lifecycle::LesseeTask;

constexpr const char* kOwner = "owner";
constexpr unsigned kMostDraws = 1000;  // of random numbers in one turn
constexpr unsigned kBusy = 60;         // of turns in which nothing new is taken, per mille
constexpr unsigned kSaidAgain = 250;   // of messages, per mille
constexpr unsigned kNoRoom = 100, kNotLeft = 200;  // per mille
constexpr auto kSelf = NodeName::lessee;

constexpr const char* kStates[] = {"accepted", "running", "done", "answered"};

const Kind* kind_of(const KindRef& asked) {
  static const Kind kind{.name = kKind};
  return kind.ref().satisfies(asked) ? &kind : nullptr;
}

LesseeCause cause_of(const wire::Item& item) {
  if (std::holds_alternative<wire::Offer>(item)) return LesseeCause::offer;
  if (std::holds_alternative<wire::ResultAck>(item)) return LesseeCause::result_ack;
  const auto* ack = std::get_if<wire::BeatAck>(&item);
  return ack && ack->keep ? LesseeCause::keep : LesseeCause::cancel;
}

}  // namespace

// While it lives, steps are taken for this reason.
class LesseeNode::Because {
 public:
  Because(LesseeNode& node, const Reason& reason)
      : node_(&node), before_(std::exchange(node.reason_, reason)) {}
  ~Because() { node_->reason_ = before_; }
  Because(const Because&) = delete;
  Because& operator=(const Because&) = delete;

 private:
  LesseeNode* node_;
  Reason before_;
};

// Tells the node what goes to the disk, and forgets tombstones when it is told to.
class LesseeNode::Ledger final : public test::MemoryLedger {
 public:
  Ledger(LesseeNode& node, test::LedgerDisk& disk) : MemoryLedger(disk), node_(&node) {}

  void commit(sqlite::SharedBatch<ledger::LedgerBatch> batch, Done<ledger::Refused> done) override {
    if (commit_failed()) {
      node_->world_->count(Seen::failed_commits);
    } else {
      node_->hand_over(*batch);
    }
    MemoryLedger::commit(std::move(batch), std::move(done));
  }
  void prune(NodeTime before, std::size_t keep, std::size_t limit,
             Done<std::vector<TaskId>> done) override {
    if (std::exchange(node_->forgets_, false)) keep = 0;
    MemoryLedger::prune(before, keep, limit, std::move(done));
  }

 private:
  LesseeNode* node_;
};

LesseeNode::LesseeNode(World& world) : world_(&world), bodies_(world, kSelf) {}
LesseeNode::~LesseeNode() = default;

std::size_t LesseeNode::tasks() const { return world_->plan().tasks; }
Duration LesseeNode::wall() const { return world_->clock_of(kSelf).wall_time(); }

void LesseeNode::begin() {
  lessee_.reset();
  ledger_.reset();
  disk_ = {};
  bodies_.clear();
  rows_ = written_ = {};
  begun_ = {};
  told_ = {};
  forgets_ = false;
  boot();
}

lessee::Parts LesseeNode::parts() {
  lessee::Parts parts;
  parts.clock = &world_->clock_of(kSelf);
  parts.ledger = ledger_.get();
  parts.runner = this;
  parts.kind = kind_of;
  parts.random = [this] { return draw(); };
  parts.wake = [this] { woken_ = true; };
  parts.report = [](const std::string&) {};
  parts.alarm = [](const std::string&) {};
  parts.up = [this] { return world_->is_linked(); };
  parts.send_ack = [this](const std::string&, const wire::Item& item) { return send_ack(item); };
  parts.send_result = [this](const std::string&, const wire::Item& item) {
    return send_result(item);
  };
  parts.results_left = [this](const std::string&) {
    return !world_->in_chaos() || !world_->random().per_mille(kNotLeft);
  };
  parts.changed = [this](const lessee::HeldTask& task) { changed(task); };
  parts.shortage = [this]() -> std::optional<std::string> {
    const bool is_short = world_->in_chaos() && world_->random().per_mille(kBusy);
    return is_short ? std::optional("the disk is nearly full") : std::nullopt;
  };
  return parts;
}

void LesseeNode::boot() {
  ledger_ = std::make_unique<Ledger>(*this, disk_);
  ledger_->fail_every(world_->failing_commit(), fail(Code::io, "the disk is full"));
  draining_ = false;
  draws_ = 0;
  woken_ = true;
  for (std::size_t task = 0; task < tasks(); ++task) {
    arriving_[task] = disk_.rows.contains(world_->id_of(task));
  }
  ledger::LedgerRecovered recovered = disk_.recover();
  recovered.last_seen = resume_at(recovered.last_seen, recovered.wall_at_last_seen, wall());
  lessee::Options options;
  options.boot = world_->boot_of(kSelf);
  lessee_ = std::make_unique<lessee::Lessee>(options, parts(), recovered);
  next_ = now();
  const Because because(*this, {LesseeCause::recover, {}});
  lessee_->start(recovered, [] {});
  link_changed(world_->is_linked());
}

void LesseeNode::die() {
  const auto is_ahead = [](const LesseeRow& memory, const LesseeRow& disk) {
    return memory.exists != disk.exists || memory.task.state != disk.task.state ||
           memory.task.epoch != disk.task.epoch;
  };
  bool ahead = false;
  for (std::size_t task = 0; task < tasks(); ++task) ahead |= is_ahead(rows_[task], written_[task]);
  if (ahead) world_->count(Seen::crashes_losing_steps);
  if (ledger_->writes() && world_->random().per_mille(500)) {
    const std::uint64_t before = disk_.commits;
    while (disk_.commits == before && ledger_->execute()) see_forgotten();
    if (disk_.commits > before) reached_disk();
  }
  lessee_.reset();
  ledger_.reset();
  bodies_.clear();
  for (std::size_t task = 0; task < tasks(); ++task) {
    world_->checks().lessee_dies(written_[task], task);
  }
  rows_ = written_;
}

void LesseeNode::heal() {
  woken_ = true;
  ledger_->fail_every(0, {});
}

// A batch leaves the memory, for the first time.
void LesseeNode::hand_over(const ledger::LedgerBatch& batch) {
  flying_.fill(std::nullopt);
  const auto fly = [this](const auto& row) {
    flying_[task_of(row.id.seq)] = rows_[task_of(row.id.seq)];
  };
  std::for_each(batch.inserts.begin(), batch.inserts.end(), fly);
  std::for_each(batch.updates.begin(), batch.updates.end(), fly);
}

void LesseeNode::use_disk() {
  woken_ = true;
  draws_ = 0;
  const std::uint64_t before = disk_.commits;
  ledger_->execute();
  see_forgotten();
  if (disk_.commits > before) {
    reached_disk();
    world_->fail_point(kSelf, Seen::crashes_after_commit);
  }
  ledger_->answer();
}

void LesseeNode::reached_disk() {
  Checks& checks = world_->checks();
  if (!disk_.broken.empty()) checks.fail("S1", disk_.broken.front());
  for (std::size_t task = 0; task < tasks(); ++task) {
    if (flying_[task]) written_[task] = *flying_[task];
    const auto found = disk_.rows.find(world_->id_of(task));
    const bool there = found != disk_.rows.end();
    if (there != written_[task].exists) checks.fail("S1", "the ledger has other rows than memory");
    if (there) checks.lessee_disk(task, written_[task], found->second.task);
  }
}

// The ledger no longer has a row; memory hears of it, and keeps what has since begun anew.
void LesseeNode::see_forgotten() {
  for (std::size_t task = 0; task < tasks(); ++task) {
    if (!written_[task].exists || disk_.rows.contains(world_->id_of(task))) continue;
    if (rows_[task].task == written_[task].task) rows_[task] = {};
    written_[task] = {};
    world_->count(Seen::tombstones_forgotten);
    world_->checks().tombstone_forgotten(task);
  }
}

void LesseeNode::changed(const lessee::HeldTask& task) {
  const std::size_t index = task_of(task.id.seq);
  LesseeRow& row = rows_[index];
  if (std::exchange(arriving_[index], false)) {
    world_->checks().lessee_disk(index, row, task.state);
    row.task = task.state;
    return;
  }
  const LesseeRow before = std::exchange(row, {true, task.state, row.run});
  Reason reason = reason_;
  if (before.task.state == LeaseState::accepted && row.task.state == LeaseState::running) {
    reason.cause = LesseeCause::start;
    row.run = world_->checks().begin_run(index);
  }
  if (!is_of_message(reason.cause)) reason.epoch = before.task.epoch;
  const bool timeout = reason.cause == LesseeCause::time && row.task.state == LeaseState::done &&
                       row.task.failure == FailureClass::timeout;
  if (timeout) world_->checks().attempt_failed(index);
  world_->checks().lessee_step(index, reason.cause, reason.epoch, before, row);
  note_step(index, reason);
  world_->tally().step(reason.cause, before, row, now());
}

void LesseeNode::note_step(std::size_t task, const Reason& reason) {
  if (reason.cause == LesseeCause::keep) return;
  const LesseeTask& state = rows_[task].task;
  const bool failed = state.failure != FailureClass::none;
  world_->note(kSelf, "task %zu %s(%u) -> %s epoch %u%s%s", task, to_string(reason.cause),
               reason.epoch.value, kStates[static_cast<std::size_t>(state.state)],
               state.epoch.value, failed ? " failed by " : "",
               failed ? to_string(state.failure).data() : "");
}

std::uint64_t LesseeNode::draw() {
  if (++draws_ > kMostDraws) {
    world_->checks().fail("T1", "a timer of the lessee that was due did nothing");
    throw PowerCut{kSelf};
  }
  return world_->random().next();
}

void LesseeNode::heed(const wire::Item& item) {
  woken_ = true;
  draws_ = 0;
  const std::optional<About> attempt = about(item);
  if (!attempt) return;
  const LesseeRow& row = rows_[attempt->task];
  const auto* offer = std::get_if<wire::Offer>(&item);
  const Epoch taken_for =
      offer ? offer->epoch : epoch_seen(world_->variant(), row.task, attempt->epoch);
  const wire::Item heard = under(item, taken_for);
  const Because because(*this, {cause_of(item), attempt->epoch});
  lessee_->on_heard(kOwner);
  deliver(heard);
  const bool early = world_->variant() == Variant::accept_early;
  if (early && offer && row.exists && row.task.epoch == offer->epoch) {
    world_->send(kSelf, {wire::Accept{offer->id, offer->epoch}});
  }
  // What was applied, applied again, changes nothing.
  if (!world_->random().per_mille(kSaidAgain)) return;
  const LesseeRow once = row;
  deliver(heard);
  world_->checks().same_again(attempt->task, once, row);
}

void LesseeNode::deliver(const wire::Item& item) {
  std::visit(
      [&](const auto& one) {
        if constexpr (requires { lessee_->on(kOwner, one); }) lessee_->on(kOwner, one);
      },
      item);
}

// What is under way to the owner may fill the link.
bool LesseeNode::has_room() {
  if (!world_->in_chaos() || !world_->random().per_mille(kNoRoom)) return true;
  world_->wake_soon(kSelf);
  return false;
}

bool LesseeNode::send_ack(const wire::Item& item) {
  world_->fail_point(kSelf, Seen::crashes_after_commit);
  if (!world_->is_linked() || !has_room()) return false;
  const auto* nack = std::get_if<wire::Nack>(&item);
  if (nack && nack->reason == lifecycle::NackReason::stale &&
      rows_[task_of(nack->id.seq)].task.state == LeaseState::answered) {
    world_->count(Seen::offer_after_tombstone);
  }
  world_->send(kSelf, {item});
  return true;
}

bool LesseeNode::send_result(const wire::Item& item) {
  world_->fail_point(kSelf, Seen::crashes_after_commit);
  if (!world_->is_linked() || !has_room()) return false;
  const auto& result = std::get<wire::ResultItem>(item);
  const std::size_t task = task_of(result.id.seq);
  if (written_[task].task.epoch < result.epoch) {
    world_->count(Seen::failure_told_again);
  } else {
    if (told_[task] == result.epoch) world_->count(Seen::results_resent);
    told_[task] = result.epoch;
  }
  world_->send(kSelf, {item});
  return true;
}

void LesseeNode::run(runner::Request request, std::function<void(runner::Outcome)> done) {
  world_->fail_point(kSelf, Seen::crashes_after_commit);
  const std::size_t task = task_of(request.id.seq);
  const RunId run = rows_[task].run;
  world_->checks().starts_leased(task, run, written_[task]);
  begun_[task] = run;
  bodies_.begin(task, request.epoch, run, std::move(done));
}

std::optional<Duration> LesseeNode::begun(TaskId id, Epoch epoch) const {
  const Body* body = bodies_.find(task_of(id.seq), epoch);
  return body ? std::optional(body->begun) : std::nullopt;
}

// A stop of the whole machine leaves it open which bodies had begun.
bool LesseeNode::may_have_begun(TaskId id) const {
  const std::size_t task = task_of(id.seq);
  return begun_[task] == written_[task].run || world_->random().per_mille(300);
}

void LesseeNode::body_ends(RunId run) {
  const std::optional<Body> body = bodies_.end(run);
  if (!body) return;
  if (body->failure == FailureClass::crash) return world_->crash(kSelf, "user code took it down");
  end(*body);
}

void LesseeNode::end(const Body& body) {
  woken_ = true;
  draws_ = 0;
  world_->checks().run_ended(body.run, body.failure);
  const LesseeRow& row = rows_[body.task];
  const bool counts = row.run == body.run && row.task.state == LeaseState::running;
  if (counts && body.failure == FailureClass::error) world_->checks().attempt_failed(body.task);
  runner::Outcome outcome;
  outcome.id = world_->id_of(body.task);
  outcome.epoch = body.epoch;
  outcome.failure = body.failure;
  outcome.submitted = outcome.run_started = body.begun;
  outcome.run_ended = world_->clock_of(kSelf).boot_time();
  if (body.failure == FailureClass::none) {
    outcome.value = value_of(body.run);
    outcome.digest = crypto::sha256(outcome.value);
  } else {
    outcome.error = fail(Code::internal, "bad luck");
  }
  const Because because(*this, {LesseeCause::finish, {}});
  body.done(std::move(outcome));
}

void LesseeNode::link_changed(bool up) {
  if (!up) return lessee_->on_owner_gone(kOwner);
  lessee_->on_link_up();
  on_presence(world_->presence_of(NodeName::owner));
}

void LesseeNode::on_presence(const wire::Presence& presence) {
  lessee_->on_owner(kOwner, presence);
}

void LesseeNode::settle() {
  if (!std::exchange(woken_, false)) return;
  draws_ = 0;
  const Because because(*this, {LesseeCause::time, {}});
  next_ = lessee_->cycle();
  if (next_ <= now()) world_->checks().fail("T1", "a timer of the lessee that was due did nothing");
  if (!ledger_->idle()) world_->schedule_disk(kSelf, ledger_->writes());
}

// In good order: what runs is interrupted, and what was not started is handed back.
void LesseeNode::drain() {
  draining_ = true;
  const Because because(*this, {LesseeCause::finish, {}});
  lessee_->drain();
  for (const Body& body : bodies_.interrupt()) end(body);
}

void LesseeNode::end_drain() {
  if (std::exchange(draining_, false)) lessee_->resume();
}

void LesseeNode::forget_tombstones() { forgets_ = true; }

bool LesseeNode::is_quiet() const {
  return lessee_->journal().idle() && ledger_->idle() &&
         std::none_of(rows_.begin(), rows_.end(), [](const LesseeRow& row) {
           return row.exists && row.task.state != LeaseState::answered;
         });
}

}  // namespace spillway::sim
