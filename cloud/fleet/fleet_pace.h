#pragma once

#include <cstdint>

#include "cloud/fleet/device_table.h"
#include "cloud/fleet/figures.h"
#include "cloud/fleet/views.h"
#include "common/base/latency_counts.h"

namespace spillway::cloud {

// What the whole fleet does in a second, how long its tasks take, and what has piled up in it. One
// thread.
class FleetPace {
 public:
  void on_message(NodeTime now) { messages_.add(now, 1); }
  // A device measured anew.
  void on_measured(const wire::Metrics& was, const wire::Metrics& is, NodeTime now);
  // Looks for what has to be looked for: sums and the oldest.
  void scan(const DeviceTable& table);
  // A span of ten seconds is over; run times are told of it and of the one before.
  void end_span();
  void fill(FleetSummary& summary, NodeTime now) const;

 private:
  Rate done_local_, done_cloud_, messages_;
  LatencyCounts local_[2], cloud_[2];     // of this span and of the last
  std::uint64_t backlog_ = 0, lost_ = 0;  // of the last scan
  Duration oldest_{};
};

}  // namespace spillway::cloud
