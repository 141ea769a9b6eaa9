#include "agent/telemetry/worker_bound.h"

#include <algorithm>
#include <cstdint>

namespace spillway::agent {
namespace {

using wire::Metric;

constexpr std::int64_t kHotMc = 85'000, kCoolMc = 75'000;  // thousandths of a degree
constexpr std::int64_t kLowPermille = 200;

}  // namespace

unsigned WorkerBound::of(unsigned most, const wire::Metrics& machine) {
  const std::int64_t heat = machine.find(Metric::temperature_mc).value_or(0);
  const bool throttled = machine.find(Metric::throttled).value_or(0) != 0;
  hot_ = throttled || heat >= (hot_ ? kCoolMc : kHotMc);
  const bool low = machine.find(Metric::on_battery).value_or(0) != 0 &&
                   machine.find(Metric::battery_permille).value_or(1000) < kLowPermille;
  if (low) return 1;
  return std::max(1U, hot_ ? most / 2 : most);
}

}  // namespace spillway::agent
