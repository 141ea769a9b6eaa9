#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cloud/fleet/views.h"

// The cloud's metrics in Prometheus' text format. Names and units by its conventions; no device ids
// in labels, so that their number does not grow with the fleet.
namespace spillway::cloud {

struct HttpLoad {
  std::uint64_t connections = 0, streams = 0, requests = 0, turned_away = 0, timed_out = 0,
                malformed = 0;
};

struct CloudMetrics {
  std::string version;
  double uptime_s = 0;
  bool broker_connected = false;
  std::uint64_t held = 0;                                       // attempts accepted and not done
  std::vector<std::pair<std::string, std::uint64_t>> attempts;  // counters, by what became of them
  FleetSummary fleet;
  std::vector<KindTotals> kinds;
  HttpLoad http;
};

std::string prometheus_text(const CloudMetrics& metrics);

}  // namespace spillway::cloud
