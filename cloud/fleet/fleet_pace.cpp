#include "cloud/fleet/fleet_pace.h"

#include <algorithm>
#include <utility>

namespace spillway::cloud {

using wire::Metric;
using wire::Metrics;

namespace {

void add_latency(LatencyCounts& counts, const Metrics& is, Metric p50, Metric p95, double tasks) {
  if (tasks <= 0 || !is.has(p50)) return;
  // Half of the tasks were no slower than the median, nine in twenty lay between it and the 95th.
  counts.add(Duration(is.get(p50)), tasks * 0.5);
  counts.add(Duration((is.get(p50) + is.get(p95)) / 2), tasks * 0.40);
  counts.add(Duration(is.get(p95)), tasks * 0.10);
}

Percentiles quantiles(const LatencyCounts (&spans)[2]) {
  LatencyCounts both = spans[0];
  both.merge(spans[1]);
  return {both.quantile(0.5), both.quantile(0.95)};
}

}  // namespace

void FleetPace::on_measured(const Metrics& was, const Metrics& is, NodeTime now) {
  const auto here = double(rise(Metric::done_local, was, is));
  const auto there = double(rise(Metric::done_cloud, was, is));
  done_local_.add(now, here);
  done_cloud_.add(now, there);
  add_latency(local_[0], is, Metric::local_p50_us, Metric::local_p95_us, here);
  add_latency(cloud_[0], is, Metric::cloud_p50_us, Metric::cloud_p95_us, there);
}

void FleetPace::scan(const DeviceTable& table) {
  backlog_ = lost_ = 0;
  std::int64_t age_ms = 0;
  table.each([&](const Device& device) {
    backlog_ += std::uint64_t(std::max<std::int64_t>(backlog_of(device.metrics), 0));
    lost_ += std::uint64_t(std::max<std::int64_t>(device.metrics.get(Metric::lost), 0));
    age_ms = std::max(age_ms, device.metrics.get(Metric::outbox_age_ms));
  });
  oldest_ = std::chrono::milliseconds(std::min<std::int64_t>(age_ms, 1LL << 40));
}

void FleetPace::end_span() {
  local_[1] = std::exchange(local_[0], {});
  cloud_[1] = std::exchange(cloud_[0], {});
}

void FleetPace::fill(FleetSummary& summary, NodeTime now) const {
  summary.done_local = done_local_.per_second(now);
  summary.done_cloud = done_cloud_.per_second(now);
  const double done = summary.done_local + summary.done_cloud;
  summary.offload = done > 0 ? summary.done_cloud / done : 0;
  summary.local = quantiles(local_);
  summary.cloud = quantiles(cloud_);
  summary.backlog = backlog_;
  summary.backlog_oldest = oldest_;
  summary.lost = lost_;
  summary.messages = messages_.per_second(now);
}

}  // namespace spillway::cloud
