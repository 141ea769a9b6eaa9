#include "cloud/fleetsim/dispatched_tasks.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "common/crypto/sha256.h"
#include "common/wire/codec.h"

namespace spillway::fleetsim {
namespace {

using lifecycle::LeaseState;
constexpr Duration kBeatEvery = std::chrono::seconds(10), kResendAfter = std::chrono::seconds(5);

std::optional<lifecycle::NackReason> refusal(const TaskSpec& spec, bool full) {
  if (spec.kind.name != "echo") return lifecycle::NackReason::unknown_kind;
  if (full) return lifecycle::NackReason::busy;
  return std::nullopt;
}

}  // namespace

DispatchedTasks::DispatchedTasks(std::uint64_t seed, const DispatchedOptions& options)
    : options_(options), random_(seed) {}

// SplitMix64; a generator of the standard library would be most of a device's memory.
double DispatchedTasks::chance() {
  std::uint64_t mixed = random_ += 0x9e3779b97f4a7c15;
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
  return double((mixed ^ mixed >> 31) >> 11) / double(1ULL << 53);
}

wire::Credits DispatchedTasks::room() const {
  wire::Credits credits;
  credits.offers = options_.held;
  credits.workers = options_.workers;
  credits.memory = 1 << 30;
  return credits;
}

void DispatchedTasks::count() {
  held_ = running_ = unanswered_ = 0;
  for (const auto& [id, task] : tasks_) {
    const LeaseState state = task.state.state;
    running_ += state == LeaseState::running;
    held_ += state == LeaseState::running || state == LeaseState::accepted;
    unanswered_ += state == LeaseState::done;
  }
}

void DispatchedTasks::on(const wire::Offer& offer, NodeTime now, const Send& send) {
  const auto refuse = [&](lifecycle::NackReason reason) {
    send(wire::Nack{offer.id, offer.epoch, reason, std::chrono::seconds(1)});
  };
  Result<TaskSpec> spec = wire::decode_spec(offer.spec);
  if (!spec || spec->data == DataScope::edge_only) return refuse(lifecycle::NackReason::malformed);
  auto known = tasks_.find(offer.id);
  lifecycle::OfferTerms terms = wire::terms_of(offer, *spec);
  terms.refuse = refusal(*spec, held_ >= options_.held);
  std::optional<lifecycle::LesseeTask> state;
  if (known != tasks_.end()) {
    state = known->second.state;
    if (known->second.spec != offer.spec) terms.refuse = lifecycle::NackReason::conflict;
  }
  const lifecycle::LesseeStep step = lifecycle::on_offer(state, terms, at(now));
  if (step.act.send_nack) return refuse(step.act.nack);
  if (step.act.owe_failure) {
    wire::ResultItem owed;
    owed.id = offer.id;
    owed.epoch = offer.epoch;
    owed.failure = step.next.failure;
    owed.message = "an earlier attempt ended so, and was not reported";
    return send(owed);
  }
  auto& task = *tasks_.try_emplace(offer.id).first;
  task.second.terms = terms;
  if (!state || step.act.run) {
    task.second.spec = offer.spec;
    task.second.accepted = now;
    task.second.answer = {};
  }
  apply(task, step, now, send);
}

void DispatchedTasks::apply(Tasks::value_type& task, const lifecycle::LesseeStep& step,
                            NodeTime now, const Send& send) {
  if (step.verdict == lifecycle::Verdict::applied) {
    task.second.state = step.next;
    // An answer that is adopted carries the new epoch.
    task.second.answer.epoch = step.next.epoch;
    count();
  }
  if (step.act.send_accept) send(wire::Accept{task.first, step.next.epoch});
  if (step.act.send_result) {
    task.second.sent = now;
    task.second.answer.report.since_accept = now - task.second.accepted;
    send(task.second.answer);
  }
}

void DispatchedTasks::finish(Tasks::value_type& task, FailureClass failure,
                             const std::string& message, NodeTime now, const Send& send) {
  Held& held = task.second;
  held.answer = {};
  held.answer.id = task.first;
  held.answer.epoch = held.state.epoch;
  held.answer.failure = failure;
  held.answer.message = message;
  if (failure == FailureClass::none) {
    if (auto spec = wire::decode_spec(held.spec)) held.answer.value = std::move(spec->input);
    held.answer.digest = crypto::sha256(held.answer.value.bytes);
    done_ += 1;
  }
  held.answer.report.ran = Duration(std::int64_t(options_.run_seconds * 1e6));
  apply(task, lifecycle::on_finish(held.state, failure, at(now)), now, send);
}

void DispatchedTasks::on(const wire::BeatAck& ack, NodeTime now, const Send& send) {
  auto task = tasks_.find(ack.id);
  auto sent = beat_sent_.find(ack.round);
  if (task == tasks_.end() || (ack.keep && sent == beat_sent_.end())) return;
  const Held& held = task->second;
  apply(*task,
        ack.keep
            ? lifecycle::on_keep(held.state, ack.epoch, sent->second, held.terms.lease, at(now))
            : lifecycle::on_cancel(held.state, ack.epoch, at(now)),
        now, send);
}

void DispatchedTasks::on(const wire::ResultAck& ack, NodeTime now, const Send& send) {
  auto task = tasks_.find(ack.id);
  if (task == tasks_.end()) return;
  apply(*task, lifecycle::on_result_ack(task->second.state, ack.epoch, at(now)), now, send);
  for (auto oldest = tasks_.begin();
       tasks_.size() > options_.tombstones && oldest != tasks_.end();) {
    oldest = oldest->second.state.state == LeaseState::answered ? tasks_.erase(oldest) : ++oldest;
  }
}

void DispatchedTasks::on(const wire::Cancel& cancel, NodeTime now, const Send& send) {
  auto task = tasks_.find(cancel.id);
  if (task == tasks_.end()) return;
  apply(*task, lifecycle::on_cancel(task->second.state, cancel.epoch, at(now)), now, send);
}

void DispatchedTasks::advance(NodeTime now, const Send& send) {
  if (!busy()) return;
  for (auto& task : tasks_) {
    if (task.second.state.state != LeaseState::running || task.second.ends > now) continue;
    const bool fails = chance() < options_.failing;
    finish(task, fails ? FailureClass::error : FailureClass::none,
           fails ? "the simulated device was told to fail" : "", now, send);
  }
  on_times(now, send);
  start_ready(now, send);
  if (now >= next_beat_) beat(now, send);
}

void DispatchedTasks::on_times(NodeTime now, const Send& send) {
  for (auto& task : tasks_) {
    Held& held = task.second;
    if (lifecycle::next_lessee_time(held.state) <= now) {
      const lifecycle::LesseeStep step = lifecycle::on_lessee_time(held.state, at(now));
      if (step.next.state == LeaseState::done && held.state.state != LeaseState::done) {
        held.answer = {};
        held.answer.id = task.first;
        held.answer.failure = step.next.failure;
        held.answer.message = "the run timeout passed";
      }
      apply(task, step, now, send);
    }
    if (held.state.state == LeaseState::done && now - held.sent >= kResendAfter) {
      held.sent = now;
      send(held.answer);
    }
  }
}

void DispatchedTasks::start_ready(NodeTime now, const Send& send) {
  for (auto& task : tasks_) {
    if (running_ >= options_.workers) return;
    if (task.second.state.state != LeaseState::accepted) continue;
    // Around the mean, so that a fleet does not end its tasks in step.
    const double seconds = -std::log(1 - chance()) * options_.run_seconds;
    task.second.ends = now + Duration(std::int64_t(seconds * 1e6));
    apply(task, lifecycle::on_start(task.second.state, task.second.terms, boot_, at(now)), now,
          send);
  }
}

void DispatchedTasks::beat(NodeTime now, const Send& send) {
  next_beat_ = now + kBeatEvery;
  beat_sent_[++round_] = now;
  while (beat_sent_.size() > 8) beat_sent_.erase(beat_sent_.begin());
  for (const auto& [id, task] : tasks_) {
    if (task.state.state == LeaseState::answered) continue;
    send(wire::Beat{id, task.state.epoch, task.state.state, round_});
  }
}

void DispatchedTasks::connected(NodeTime now, const Send& send) {
  next_beat_ = now;
  send(room());
  for (auto& [id, task] : tasks_) {
    if (task.state.state != LeaseState::done) continue;
    task.sent = now;
    send(task.answer);
  }
}

// What ran is a crash, as with a real agent: its row said so before it began.
void DispatchedTasks::restarted(NodeTime now) {
  boot_.value += 1;
  for (auto& task : tasks_) {
    Held& held = task.second;
    const bool ran = held.state.state == LeaseState::running;
    const lifecycle::LesseeStep step =
        lifecycle::recover_lessee(held.state, boot_, ran, held.terms.lease, at(now));
    if (step.next.state == LeaseState::done && ran) {
      held.answer = {};
      held.answer.id = task.first;
      held.answer.failure = step.next.failure;
      held.answer.message = "the simulated device restarted while it ran";
    }
    apply(task, step, now, [](const wire::Item&) {});
  }
}

}  // namespace spillway::fleetsim
