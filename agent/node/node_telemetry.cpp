#include "agent/node/node.h"

namespace spillway::agent {

using wire::Metric;
using wire::Metrics;

namespace {

// So much of what was counted a kill or a power cut takes along. An agent without a link writes
// this and nothing else, on a device whose flash wears out by how often it is written.
constexpr Duration kUnsentMayWait = std::chrono::minutes(5);

}  // namespace

void Node::count_end(const owner::OwnedTask& task) {
  TaskState state = task.state.state;
  if (state == TaskState::failed) counters_.failed += 1;
  if (state == TaskState::expired) counters_.expired += 1;
  const Attempt* last = task.history.last();
  if (state != TaskState::succeeded || !last) return;
  bool there = last->place == PlaceKind::cloud;
  (there ? cloud_latency_ : local_latency_).add(now() - task.created);
}

// What is ready is known by band as far as it is in memory; what is not comes after that, in the
// last band seen or below.
void Node::add_queues(Metrics& into) const {
  std::array<std::uint64_t, 4> ready{};
  std::size_t last = std::size_t(Band::normal);
  std::uint64_t seen = 0;
  for (const store::ReadyKey& key : window_.ready()) {
    last = std::min<std::size_t>(std::size_t(key.band), ready.size() - 1);
    ready[last] += 1;
    seen += 1;
  }
  std::uint64_t all = owner_.in_state(TaskState::ready);
  ready[last] += all - std::min(all, seen);
  for (std::size_t band = 0; band < ready.size(); ++band) {
    into.set(Metric(std::size_t(Metric::queued_band0) + band), std::int64_t(ready[band]));
  }
}

Metrics Node::metrics() const {
  Metrics all;
  auto set = [&](Metric metric, auto value) { all.set(metric, std::int64_t(value)); };
  add_queues(all);
  set(Metric::waiting, owner_.in_state(TaskState::waiting));
  set(Metric::running_local, claims_.running() + claims_.blocking());
  set(Metric::running_cloud, there_.held());
  set(Metric::outbox, there_.pending().size());
  set(Metric::outbox_age_ms, oldest_offer() / std::chrono::milliseconds(1));
  set(Metric::accepted, counters_.accepted);
  set(Metric::done_local, counters_.done_local);
  set(Metric::done_cloud, counters_.done_cloud);
  set(Metric::failed, counters_.failed);
  set(Metric::expired, counters_.expired);
  set(Metric::duplicates, counters_.duplicates);
  if (lost_) set(Metric::lost, *lost_);
  if (lost_) set(Metric::lost_at_least, lost_at_least_ ? 1 : 0);
  if (unsent_) set(Metric::samples_lost, *unsent_);
  if (local_latency_.total() > 0) {
    set(Metric::local_p50_us, local_latency_.quantile(0.5).count());
    set(Metric::local_p95_us, local_latency_.quantile(0.95).count());
  }
  if (cloud_latency_.total() > 0) {
    set(Metric::cloud_p50_us, cloud_latency_.quantile(0.5).count());
    set(Metric::cloud_p95_us, cloud_latency_.quantile(0.95).count());
  }
  set(Metric::rtt_us, placement_.link().rtt().count());
  if (probe_loss_) set(Metric::loss_permille, *probe_loss_ * 1000);
  set(Metric::bandwidth, std::min(placement_.link().bandwidth(), 1e15));
  if (session_) {
    set(Metric::bytes_up, session_->connection().traffic().bytes_up);
    set(Metric::bytes_down, session_->connection().traffic().bytes_down);
  }
  set(Metric::uptime_s, (now() - started_) / std::chrono::seconds(1));
  set(Metric::updating, wire::is_busy(told_update_.phase) ? 1 : 0);
  set(Metric::draining, draining_ ? 1 : 0);
  if (lessee_) {
    set(Metric::leased, lessee_->held());
    set(Metric::leased_done, lessee_->counters().done + lessee_->counters().failed);
  }
  return all;
}

// What cannot be sent, or reaches a broker from which no cloud takes it, is not kept: the next
// sample says more. It is counted (P23), with the first and the last that was dropped, and seen at
// once; on disk it is with whatever is written next, and when the link is back. While no agent runs
// nothing is measured, and in the first interval after a start the link may not be up yet: of
// neither is anything lost.
void Node::count_sample(bool sent) {
  if (sent) return journal().samples(1);
  if (now() - started_ < options_.telemetry) return;
  journal().lose({DataClass::telemetry, LossCause::offline, now(), 1}, kUnsentMayWait);
  if (unsent_) *unsent_ += 1;
}

void Node::send_telemetry() {
  next_telemetry_ = options_.telemetry > Duration::zero() ? now() + options_.telemetry : kNever;
  const bool up = session_ && session_->up();
  if (session_) count_sample(up && there_.online());
  look_for_losses();
  if (!up && !parts_.measured) return;
  wire::Telemetry frame;
  frame.sent_wall = parts_.clock->wall_time();
  frame.interval = options_.telemetry;
  frame.metrics = metrics();
  if (parts_.measure) parts_.measure(frame);
  if (parts_.measured) parts_.measured(frame.metrics);
  if (!up) return;
  frame.session = session_->connection().session();
  session_->send_telemetry(wire::encode(frames_.next(std::move(frame))));
  local_latency_ = cloud_latency_ = {};
}

}  // namespace spillway::agent
