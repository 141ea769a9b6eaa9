#include <cmath>
#include <limits>

#include "cloud/fleet/fleet_state.h"

namespace spillway::cloud {
namespace {

using wire::Metric;
using wire::Metrics;

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

float of(const Metrics& metrics, Metric metric, double scale) {
  auto value = metrics.find(metric);
  return value ? float(double(*value) * scale) : kNone;
}

Sample sample_of(const Metrics& was, const Metrics& is, double seconds) {
  Sample sample;
  auto set = [&](DeviceSeries series, float value) { sample[std::size_t(series)] = value; };
  double total = double(is.get(Metric::memory_total));
  set(DeviceSeries::cpu, of(is, Metric::cpu_permille, 1e-3));
  set(DeviceSeries::memory, total > 0 ? of(is, Metric::memory_used, 1 / total) : kNone);
  set(DeviceSeries::temperature, of(is, Metric::temperature_mc, 1e-3));
  set(DeviceSeries::queued, float(backlog_of(is)));
  set(DeviceSeries::running, of(is, Metric::running_local, 1));
  set(DeviceSeries::outbox, of(is, Metric::outbox, 1));
  set(DeviceSeries::outbox_age, of(is, Metric::outbox_age_ms, 1e-3));
  set(DeviceSeries::rtt, of(is, Metric::rtt_us, 1e-6));
  set(DeviceSeries::done_local, float(double(rise(Metric::done_local, was, is)) / seconds));
  set(DeviceSeries::done_cloud, float(double(rise(Metric::done_cloud, was, is)) / seconds));
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
