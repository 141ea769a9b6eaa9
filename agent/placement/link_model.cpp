#include "agent/placement/link_model.h"

#include <algorithm>
#include <cmath>

namespace spillway::placement {
namespace {

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
bool within(double value, double low, double high) { return value >= low && value <= high; }

constexpr double kMaxSeconds = 3600;
constexpr double kGain = 0.25;         // of one bandwidth sample
constexpr double kMeanToSigma = 1.25;  // a normal's σ in mean absolute deviations

}  // namespace

LinkModel::LinkModel(Duration assumed_rtt, double assumed_bandwidth) {
  s_.rtt = std::clamp(seconds(assumed_rtt), 1e-6, kMaxSeconds);
  s_.rtt_dev = s_.rtt / 2;
  s_.log_bandwidth = std::log(std::max(assumed_bandwidth, 1.0));
  s_.bandwidth_dev = 0.5;
}

void LinkModel::learn_round_trip(Duration rtt, NodeTime now) {
  const double sample = seconds(rtt);
  if (!within(sample, 1e-9, kMaxSeconds)) return;
  const bool first = s_.rtt_at == NodeTime{};
  s_.rtt_dev = first ? sample / 2 : s_.rtt_dev + (std::abs(sample - s_.rtt) - s_.rtt_dev) / 4;
  s_.rtt = first ? sample : s_.rtt + (sample - s_.rtt) / 8;
  s_.rtt_at = now;
}

void LinkModel::learn_transfer(std::uint64_t bytes, Duration took, NodeTime now) {
  if (bytes == 0 || !within(seconds(took), 1e-9, kMaxSeconds)) return;
  if (took < rtt()) learn_round_trip(took, now);  // the round trip cannot be longer than this
  // Bytes that queued behind others were served only since those were acknowledged; bytes that had
  // the link to themselves since they were sent, but for the round trip.
  const NodeTime alone = now - took + rtt();
  if (!last_ack_ || alone >= *last_ack_) {
    busy_since_ = alone;
    busy_bytes_ = 0;
  }
  last_ack_ = now;
  busy_bytes_ += static_cast<double>(bytes);

  // What the noise of the round trip drowns tells only that the link is at least this fast.
  const double service = seconds(now - busy_since_);
  const bool timed = service > 0.001 + 2 * s_.rtt_dev;
  const double rate = busy_bytes_ / (timed ? service : std::max(service, 0.0) + s_.rtt);
  if (!timed && rate <= bandwidth()) return;
  take_bandwidth(rate, now);
  busy_since_ = now;
  busy_bytes_ = 0;
}

void LinkModel::take_bandwidth(double bytes_per_second, NodeTime now) {
  const double sample = std::log(std::clamp(bytes_per_second, 1.0, 1e12));
  const bool first = s_.bandwidth_at == NodeTime{};
  const double error = sample - s_.log_bandwidth;
  s_.bandwidth_dev = first ? 0.5 : s_.bandwidth_dev + kGain * (std::abs(error) - s_.bandwidth_dev);
  s_.log_bandwidth += first ? error : kGain * error;
  s_.bandwidth_at = now;
}

Estimate LinkModel::round_trip(NodeTime now) const {
  const double widen = std::exp(kZ95 * std::sqrt(drift(round_trip_age(now))));
  return {s_.rtt, (s_.rtt + kZ95 * kMeanToSigma * s_.rtt_dev) * widen};
}

Estimate LinkModel::transfer(std::uint64_t bytes, NodeTime now) const {
  const double median = static_cast<double>(bytes) / bandwidth();
  const double sigma =
      std::sqrt(std::pow(kMeanToSigma * s_.bandwidth_dev, 2) + drift(bandwidth_age(now)));
  return {median, median * std::exp(kZ95 * std::min(sigma, 2.0))};
}

Duration LinkModel::rtt() const {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(s_.rtt));
}
double LinkModel::bandwidth() const { return std::exp(s_.log_bandwidth); }
NodeTime LinkModel::last_learned() const { return std::max(s_.rtt_at, s_.bandwidth_at); }
double LinkModel::round_trip_age(NodeTime now) const {
  return std::max(0.0, seconds(now - s_.rtt_at));
}
double LinkModel::bandwidth_age(NodeTime now) const {
  return std::max(0.0, seconds(now - s_.bandwidth_at));
}

bool LinkModel::restore(const State& s) {
  const bool sound = within(s.rtt, 1e-9, kMaxSeconds) && within(s.rtt_dev, 0, kMaxSeconds) &&
                     within(s.log_bandwidth, 0, std::log(1e12)) &&
                     within(s.bandwidth_dev, 0, 100) && s.rtt_at >= NodeTime{} &&
                     s.bandwidth_at >= NodeTime{};
  if (sound) s_ = s;
  return sound;
}

}  // namespace spillway::placement
