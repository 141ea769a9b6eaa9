#include "agent/node/telemetry.h"

#include <algorithm>

namespace spillway::agent {

using wire::Metric;
using wire::Metrics;

namespace {

// How long counts of unsent samples may wait to be written; a kill or a power cut takes them along.
// An agent without a link writes this and nothing else, on a device whose flash wears out by how
// often it is written.
constexpr Duration kUnsentMayWait = std::chrono::minutes(5);

}  // namespace

Telemetry::Telemetry(const NodeOptions& options, const NodeParts& parts, owner::Owner& owner,
                     Sources sources, const std::unique_ptr<DeviceSession>& session)
    : options_(options),
      parts_(parts),
      owner_(owner),
      from_(sources),
      session_(session),
      started_(owner.now()) {}

void Telemetry::start() {
  if (!parts_.measured && !session_) return;
  if (options_.telemetry > Duration::zero()) due_ = owner_.now();
  from_.losses.look();
}

void Telemetry::on_up() { due_ = options_.telemetry > Duration::zero() ? owner_.now() : kNever; }

void Telemetry::count_end(const owner::OwnedTask& task) {
  const TaskState state = task.state.state;
  if (state == TaskState::failed) failed_ += 1;
  if (state == TaskState::expired) expired_ += 1;
  const Attempt* last = task.history.last();
  if (state != TaskState::succeeded || !last) return;
  const bool there = class_of(last->place) != PlaceClass::here;
  (there ? cloud_latency_ : local_latency_).add(owner_.now() - task.created);
}

// What is ready is known by band as far as it is in memory; what is not comes after that, in the
// last band seen or below.
void Telemetry::add_queues(Metrics& into) const {
  std::array<std::uint64_t, 4> ready{};
  std::size_t last = std::size_t(Band::normal);
  std::uint64_t seen = 0;
  for (const store::ReadyKey& key : from_.backlog.window().ready()) {
    last = std::min<std::size_t>(std::size_t(key.band), ready.size() - 1);
    ready[last] += 1;
    seen += 1;
  }
  const std::uint64_t all = owner_.in_state(TaskState::ready);
  ready[last] += all - std::min(all, seen);
  for (std::size_t band = 0; band < ready.size(); ++band) {
    into.set(Metric(std::size_t(Metric::queued_band0) + band), std::int64_t(ready[band]));
  }
}

Metrics Telemetry::metrics(const State& state) const {
  const placement::LinkModel& link = from_.models.placement().link();
  const runner::Claims& claims = from_.local.claims();
  const owner::OfferBook& cloud = from_.cloud.book();
  Metrics all;
  const auto set = [&](Metric metric, auto value) { all.set(metric, std::int64_t(value)); };
  add_queues(all);
  set(Metric::waiting, owner_.in_state(TaskState::waiting));
  set(Metric::running_local, claims.running() + claims.blocking());
  set(Metric::running_cloud, cloud.held());
  set(Metric::outbox, cloud.pending().size());
  set(Metric::outbox_age_ms, from_.cloud.oldest_offer() / std::chrono::milliseconds(1));
  set(Metric::accepted, state.accepted);
  set(Metric::done_local, from_.local.done());
  set(Metric::done_cloud, from_.cloud.done());
  set(Metric::failed, failed_);
  set(Metric::expired, expired_);
  set(Metric::duplicates, repeated_);
  if (auto lost = from_.losses.lost()) {
    set(Metric::lost, *lost);
    set(Metric::lost_at_least, from_.losses.at_least() ? 1 : 0);
  }
  if (auto unsent = from_.losses.unsent()) set(Metric::samples_lost, *unsent);
  if (local_latency_.total() > 0) {
    set(Metric::local_p50_us, local_latency_.quantile(0.5).count());
    set(Metric::local_p95_us, local_latency_.quantile(0.95).count());
  }
  if (cloud_latency_.total() > 0) {
    set(Metric::cloud_p50_us, cloud_latency_.quantile(0.5).count());
    set(Metric::cloud_p95_us, cloud_latency_.quantile(0.95).count());
  }
  set(Metric::rtt_us, link.rtt().count());
  if (auto loss = from_.cloud.loss()) set(Metric::loss_permille, *loss * 1000);
  set(Metric::bandwidth, std::min(link.bandwidth(), 1e15));
  if (session_) {
    set(Metric::bytes_up, session_->connection().traffic().bytes_up);
    set(Metric::bytes_down, session_->connection().traffic().bytes_down);
  }
  set(Metric::uptime_s, (owner_.now() - started_) / std::chrono::seconds(1));
  set(Metric::updating, state.updating ? 1 : 0);
  set(Metric::draining, state.draining ? 1 : 0);
  if (const lessee::Lessee* lessee = from_.dispatched.lessee()) {
    set(Metric::dispatched, lessee->held());
    set(Metric::dispatched_done, lessee->counters().done + lessee->counters().failed);
  }
  return all;
}

// What cannot be sent, or reaches a broker from which no cloud takes it, is not kept: the next
// sample says more. It is counted (P23), with the first and the last that was dropped, and seen at
// once; on disk it is with whatever is written next, and when the link is back. While no agent runs
// nothing is measured, and in the first interval after a start the link may not be up yet: of
// neither is anything lost.
void Telemetry::count_sample(bool sent) {
  if (sent) return owner_.journal().samples(1);
  if (owner_.now() - started_ < options_.telemetry) return;
  owner_.journal().lose({DataClass::telemetry, LossCause::offline, owner_.now(), 1},
                        kUnsentMayWait);
  from_.losses.on_sample_lost();
}

void Telemetry::send(const State& state) {
  due_ = options_.telemetry > Duration::zero() ? owner_.now() + options_.telemetry : kNever;
  const bool up = session_ && session_->up();
  if (session_) count_sample(up && from_.cloud.online());
  from_.losses.look();
  if (!up && !parts_.measured) return;
  wire::Telemetry frame;
  frame.sent_wall = parts_.clock->wall_time();
  frame.interval = options_.telemetry;
  frame.metrics = metrics(state);
  if (parts_.measure) parts_.measure(frame);
  if (parts_.measured) parts_.measured(frame.metrics);
  if (!up) return;
  frame.session = session_->connection().session();
  session_->send_telemetry(wire::encode(frames_.next(std::move(frame))));
  local_latency_ = cloud_latency_ = {};
}

}  // namespace spillway::agent
