#include "agent/node/node.h"

#include <algorithm>

#include "common/wire/codec.h"

namespace spillway::agent {
namespace {

constexpr Duration kLookAgain = std::chrono::seconds(1);
constexpr Duration kFirstReview = std::chrono::milliseconds(500);
constexpr std::size_t kDueSlice = 256;
constexpr Duration kLookForPlace = std::chrono::seconds(30);
constexpr std::size_t kRefillBytes = 8 * 1024 * 1024;

}  // namespace

Node::Node(NodeOptions options, NodeParts parts, const store::Recovered& recovered,
           const ledger::LedgerRecovered* leased)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      owner_({.boot = options_.boot, .lease = options_.lease}, owner_parts(), *this, recovered),
      there_(owner_.book("cloud")),
      wall_(*parts_.clock),
      started_(owner_.now()),
      window_(options_.max_ready, owner_.table()),
      admission_(options_.budget, {.machine = parts_.machine,
                                   .store = [store = parts_.store] { return store->use(); },
                                   .report = parts_.report}),
      placement_(options_.placement) {
  for (const KnownLife& peer : recovered.peers) peers_[peer.store] = peer;
  for (const Kind* kind : parts_.kinds->list()) local_kinds_.push_back(kind->name);
  load_models();
  look_at_budget();
  if (parts_.ledger && leased) make_lessee(*leased);
}

owner::Parts Node::owner_parts() {
  owner::Parts owner;
  owner.clock = parts_.clock;
  owner.store = parts_.store;
  owner.local = this;
  owner.random = parts_.random;
  owner.wake = parts_.wake;
  owner.report = parts_.report;
  owner.alarm = parts_.alarm;
  owner.refused = [this](const std::string& cause, const std::string& detail) {
    counters_.refused += 1;
    parts_.refused(cause, detail);
  };
  owner.send_task = [this](const owner::OfferBook&, wire::Item item, bool urgent) {
    return session_ && session_->send_task(std::move(item), urgency(urgent));
  };
  owner.send_ack = [this](const owner::OfferBook&, wire::Item item) {
    return session_ && session_->send_ack(std::move(item));
  };
  owner.tasks_left = [this](const owner::OfferBook&, bool urgent) {
    return session_->tasks_left(urgency(urgent));
  };
  return owner;
}

Node::~Node() = default;

void Node::start(const store::Recovered& recovered, const ledger::LedgerRecovered* leased) {
  counters_.accepted = recovered.accepted;
  // What the disk holds besides the live ones is looked for once the loop turns (P22).
  window_.expect_more_on_disk();
  release_ended(0);
  owner_.start(recovered);
  withdraw_offers();
  if (lessee_ && leased) lessee_->start(*leased, [] {});
  if (session_) journal().after([this] { session_->start(); });
  const bool told = parts_.measured || session_;
  if (told && options_.telemetry > Duration::zero()) next_telemetry_ = now();
  if (told) look_for_losses();
  parts_.wake();
}

owner::OwnedTask Node::read(const store::TaskRow& row) {
  owner::OwnedTask task = owner_.read(row);
  prepare(task);
  return task;
}

bool Node::prepare(owner::OwnedTask& task) {
  const TaskSpec& spec = *task.spec;
  const std::size_t bytes = spec.input.bytes.size();
  task.there = &there_;
  task.on_disconnect = spec.on_disconnect;
  task.kind = parts_.kinds->find(spec.kind);
  task.work = spec.work.value_or(task.kind ? kinds::work_of(*task.kind, bytes, spec.args)
                                           : 1.0 + double(bytes));
  if (task.state.place == PlaceKind::cloud) task.seconds_there = seconds_there(task);
  return true;
}

void Node::changed(owner::OwnedTask& task, const lifecycle::OwnerTask&) { window_.changed(task); }

void Node::told(const store::EventRow& event) {
  if (listeners_.empty()) return;
  journal().after([this, view = view_of(event)] { emit(view); });
}

// What has succeeded is never run again: of a large spec all but the input is kept.
store::EncodedBytes Node::spec_left(const owner::OwnedTask& task) const {
  if (task.state.state != TaskState::succeeded || !store::is_bulk(task.spec_bytes)) return nullptr;
  TaskSpec left = *task.spec;
  left.input.not_kept = std::exchange(left.input.bytes, {}).size();
  return std::make_shared<const Bytes>(wire::encode(left));
}

NodeTime Node::ending(owner::OwnedTask& task, TaskResult& result) {
  count_end(task);
  if (const Attempt* last = task.history.last()) {
    result.placement = {last->place, task.predicted, now() - last->times.started};
  }
  const Duration age = options_.budget.of(DataClass::results).age;
  return now() + std::min<Duration>(task.spec->retention, age);
}

void Node::ended(owner::OwnedTask& task, TaskResult result) {
  tell_story(task);
  if (looking_up_ > 0) ended_.insert(task.seq);
  if (dependencies_ || !asked_who_waits_) {
    const bool good = result.outcome == TaskState::succeeded;
    journal().after(task.seq, [this, seq = task.seq, good](const Error* refused) {
      if (!refused) release_dependents(seq, good);
    });
  }
  auto [first, last] = waiters_.equal_range(task.seq);
  if (first == last) return;
  TaskView view = view_of(task);
  view.result = std::move(result);
  for (auto waiter = first; waiter != last; ++waiter) {
    journal().after(task.seq,
                    [this, seq = task.seq, who = waiter->second, view](const Error* refused) {
                      auto waiting = who.lock();
                      if (!waiting) return;
                      if (!refused) return waiting->reply(view);
                      waiters_.emplace(seq, waiting);
                      look_for_end(seq, waiting);
                    });
  }
  waiters_.erase(first, last);
}

void Node::came(owner::OwnedTask& task, const wire::ResultItem& item) {
  learn_run(task, PlaceKind::cloud, item.report.ran);
  counters_.done_cloud += 1;
}

void Node::committed() {
  if (window_.shrink()) owner_.settle_all();
  losses_.on_written(now());
  ledger_moved_ = true;
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
  owner_.send_owed();
  if (session_) session_->connection().pump();
  if (draining_ && drained_ && claims_.empty() && owner_.idle() && (!lessee_ || lessee_->idle())) {
    std::exchange(drained_, nullptr)();
  }
  NodeTime next = std::min({owner_.next_timer(), next_probe_, next_telemetry_, next_keep_,
                            next_update_, next_review_, retry_release_,
                            looking_ ? kNever : window_.disk_due(), admission_.next_look(),
                            losses_.due(), leased, is_barred() ? cloud_.refuses_until : kNever});
  if (session_) next = std::min(next, session_->connection().next_timer());
  return next;
}

void Node::on_timers() {
  owner_.on_timers();
  const NodeTime time = now();
  if (time >= retry_release_) {
    retry_release_ = kNever;
    release_ended(0);
  }
  if (window_.needs_refill()) refill();
  if (time >= next_elders_) look_for_elders();
  if (!looking_ && time >= window_.disk_due()) look_on_disk();
  if (time >= next_telemetry_) send_telemetry();
  if (time >= next_keep_) keep_models();
  if (!session_) return;
  if (time >= session_->connection().next_timer()) session_->connection().on_timer();
  if (next_review_ == kNever && !there_.pending().empty()) next_review_ = time + kFirstReview;
  if (time >= next_review_) review_offers();
  if (time >= next_probe_) probe();
  if (time >= next_update_) tell_update();
  if (time >= losses_.due()) report_losses();
}

void Node::look_on_disk() {
  looking_ = true;
  parts_.store->due(now(), kDueSlice, gate_.pass([this](const Result<store::OwnerStore::Due>& due) {
    looking_ = false;
    window_.set_disk_due(due ? due->next : now() + kLookAgain);
    if (!due) return parts_.wake();
    take_due(due->rows);
    journal().hurry();  // the next look is to find them gone
    if (due->rows.size() == kDueSlice) window_.set_disk_due(now());
    parts_.wake();
  }));
}

void Node::take_due(const std::vector<store::TaskRow>& rows) {
  placement::Place local = local_place();
  placement::Place cloud = cloud_place();
  for (const store::TaskRow& row : rows) {
    if (owner_.find(row.seq)) continue;
    owner::OwnedTask& task = *owner_.adopt(row);
    owner_.apply(task, lifecycle::on_time(task.state, task.policy, owner_.tick()));
    if (task.state.reason == WaitReason::no_place) {
      if (placement_.no_place(candidate_of(task), local, cloud)) {
        look_again_later(task);
      } else {
        owner_.apply(task, lifecycle::on_place_found(task.state, owner_.tick()));
      }
    } else if (task.state.state == TaskState::waiting && task.state.wake <= now()) {
      // Held, or after others, past its not_before: left as it is it would be due at every look,
      // and enough of them would hide all others.
      task.state.wake = kNever;
      journal().update(task, task.state.state, task.state.epoch);
    }
    owner_.settle(row.seq);
  }
}

void Node::look_again_later(owner::OwnedTask& task) {
  task.state.wake = now() + kLookForPlace;
  journal().update(task, task.state.state, task.state.epoch);
}

void Node::refill() {
  auto after = window_.refill_after();
  const auto bytes = std::min<std::uint64_t>(kRefillBytes, options_.budget.memory / 8);
  parts_.store->ready_after(after, window_.refill_count(), static_cast<std::size_t>(bytes),
                            gate_.pass([this](const Result<std::vector<store::TaskRow>>& rows) {
                              if (!rows) return window_.refill_failed();
                              std::optional<store::ReadyKey> last;
                              for (const store::TaskRow& row : *rows) {
                                last = store::ReadyKey{row.band, row.task.deadline, row.seq};
                                owner_.adopt(row);
                              }
                              // An empty answer is the end; a short one may have been cut by its
                              // bytes.
                              window_.refilled(last, !rows->empty());
                              parts_.wake();
                            }));
}

void Node::flush() {
  // A core with nothing to do waits for the claims that gathered.
  const std::uint32_t busy = claims_.running() - new_claims_ + leased_cores();
  if (new_claims_ > 0 && busy < parts_.runner->width()) journal().hurry();
  if (owner_.flush(wall_.wall())) new_claims_ = 0;
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
  owner_.set_lease(options.lease);
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
  journal().write_losses();
  journal().hurry();
  flush();
  keep_models();
  stopped_ = true;
}

}  // namespace spillway::agent
