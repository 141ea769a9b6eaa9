#pragma once

#include <cstdint>
#include <optional>

#include "agent/placement/estimate.h"
#include "spillway/time.h"

namespace spillway::placement {

// Learned link: round trip (smoothed as RFC 6298 does) and bandwidth from acknowledged transfers.
// Ignores what cannot be a measurement. One thread.
class LinkModel {
 public:
  // What survives a restart; seconds, and bytes per second as a logarithm.
  struct State {
    double rtt = 0, rtt_dev = 0;
    double log_bandwidth = 0, bandwidth_dev = 0;
    NodeTime rtt_at{}, bandwidth_at{};  // zero: never measured
  };

  LinkModel(Duration assumed_rtt, double assumed_bandwidth);

  void learn_round_trip(Duration rtt, NodeTime now);
  // `bytes` were acknowledged now, `took` after they were handed to the link: one round trip and
  // the wait behind earlier bytes are part of it.
  void learn_transfer(std::uint64_t bytes, Duration took, NodeTime now);

  Estimate round_trip(NodeTime now) const;
  Estimate transfer(std::uint64_t bytes, NodeTime now) const;  // RTT not included
  Duration rtt() const;
  double bandwidth() const;  // bytes per second
  NodeTime last_learned() const;
  double round_trip_age(NodeTime now) const;  // seconds since it was last measured
  double bandwidth_age(NodeTime now) const;

  const State& state() const { return s_; }
  bool restore(const State&);  // false and unchanged unless every number makes sense

 private:
  void take_bandwidth(double bytes_per_second, NodeTime now);

  State s_;
  // The stretch of back-to-back transfers being timed; of this process.
  std::optional<NodeTime> last_ack_;
  NodeTime busy_since_{};
  double busy_bytes_ = 0;
};

}  // namespace spillway::placement
