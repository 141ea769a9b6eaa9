#include "tests/sim/link.h"

#include <algorithm>

namespace spillway::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kStep = seconds(1);  // of a trace
constexpr int kMostSteps = 60;          // that a message waits for capacity

LinkTrace make_up(Random& random) {
  LinkTrace trace;
  for (int second = 0; second < 40; ++second) {
    const bool dead = random.per_mille(250);
    trace.push_back(
        {seconds(second),
         {milliseconds(20 + random.below(200)), dead ? 0 : 2000 + 1000 * random.below(100)}});
  }
  return trace;
}

}  // namespace

void TracedLink::begin(const LinkTrace* trace, Random& random) {
  if (trace == nullptr || trace->empty()) made_up_ = make_up(random);
  trace_ = trace == nullptr || trace->empty() ? &made_up_ : trace;
  length_ = trace_->back().at + kStep;
  start_ = seconds(random.below(static_cast<unsigned>(length_ / seconds(1))));
  free_ = {};
}

const test::LinkShape& TracedLink::shape_at(Duration time) const {
  const Duration at = (start_ + time) % length_;
  const auto after = std::upper_bound(
      trace_->begin(), trace_->end(), at,
      [](Duration when, const test::LinkSample& sample) { return when < Duration(sample.at); });
  return after == trace_->begin() ? trace_->front().shape : std::prev(after)->shape;
}

Duration TracedLink::arrives(NodeName from, Duration now) {
  Duration& free = free_[static_cast<std::size_t>(from)];
  Duration start = std::max(free, now);
  for (int i = 0; i < kMostSteps && shape_at(start).bits_per_second == 0; ++i) start += kStep;
  const test::LinkShape& shape = shape_at(start);
  const std::int64_t rate = std::max<std::int64_t>(shape.bits_per_second, 1000);
  free = start + Duration(kMessageBits * 1'000'000 / rate);
  return free + shape.delay;
}

}  // namespace spillway::sim
