#include <cmath>
#include <limits>

#include "cloud/fleet/fleet_state.h"

namespace spillway::cloud {
namespace {

using wire::Metric;
using wire::Metrics;

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

Sample sample_of(const Metrics& was, const Metrics& is, double seconds) {
  Sample sample;
  sample.fill(kNone);
  for (const DeviceMetric& metric : kDeviceMetrics) {
    if (metric.kept < 0) continue;
    if (auto value = metric.value(is)) sample[std::size_t(metric.kept)] = float(*value);
  }
  auto rate = [&](Metric counter) { return float(double(rise(counter, was, is)) / seconds); };
  sample[std::size_t(DeviceSeries::done_local)] = rate(Metric::done_local);
  sample[std::size_t(DeviceSeries::done_cloud)] = rate(Metric::done_cloud);
  return sample;
}

}  // namespace

// Takes a frame that is newer than all before it in its session, which the caller has seen to. The
// metrics are replaced first; losses, rates and history compare them with what they were, and
// health and alerts follow from that.
void Fleet::State::take_frame(Slot slot, const wire::Telemetry& frame) {
  Device& device = table.at(slot);
  Metrics was = device.metrics;
  if (frame.whole) device.metrics = {};
  device.metrics.take(frame.metrics);
  if (!frame.cores.empty()) device.cores = frame.cores;
  if (!frame.kernel.empty()) device.kernel = kernels.get(frame.kernel, frame.kernel);
  device.frames.latest = frame.seq;
  device.frames.interval_s = std::uint32_t(frame.interval / std::chrono::seconds(1));
  device.measured = wall();
  device.measured_there = frame.sent_wall;
  hear(slot);
  hold_losses(device.memory, was, device.metrics, policy, device.measured);
  note_frame(device.memory, was, device.metrics, device.measured);
  count_rises(device, was);
  add_history(device, was);
  refresh(slot);
  watch(slot);
  touch(slot, false);
}

void Fleet::State::count_rises(const Device& device, const Metrics& was) {
  const Metrics& is = device.metrics;
  pace.on_measured(was, is, now());
  totals.duplicates += std::uint64_t(rise(Metric::duplicates, was, is));
  totals.failed += std::uint64_t(rise(Metric::failed, was, is));
  std::int64_t more = rise(Metric::lost, was, is);
  if (more > 0) note(&device, FleetEventKind::data_lost, std::to_string(more) + " lost");
}

void Fleet::State::add_history(Device& device, const Metrics& was) {
  if (!device.history) device.history = std::make_unique<DeviceHistory>(device.id);
  Sample sample = sample_of(was, device.metrics, std::max(1U, device.frames.interval_s));
  DeviceHistory::Closed closed = device.history->add(device.measured, sample);
  if (closed.minute) note_minute(device.memory, double(backlog_of(device.metrics)), policy);
  if (closed.block) keep_block(device, *closed.block);
}

void Fleet::State::keep_block(const Device& device, const HistoryBlock& block) {
  commits.batch().minutes.push_back({device.id, block});
}

}  // namespace spillway::cloud
