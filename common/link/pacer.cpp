#include "common/link/pacer.h"

#include <algorithm>

namespace spillway::link {
namespace {

constexpr Duration kSpan = std::chrono::seconds(5);
// Below this much queue nobody notices, and a busy machine's acknowledgements come in lumps.
constexpr Duration kLeastQueue = std::chrono::milliseconds(10);
constexpr double kLeastRoom = 4 * 1024;        // bytes
constexpr std::uint64_t kUnknown = 64 * 1024;  // bytes, before anything was measured

double seconds(Duration span) { return static_cast<double>(span.count()) / 1e6; }

}  // namespace

void Pacer::on_sent(NodeTime now, std::uint64_t bytes) {
  if (rate_ == 0) return;
  const double takes = static_cast<double>(bytes) / static_cast<double>(rate_) * 1e6;
  // A caller that comes a little late may send what the time in between was worth.
  constexpr Duration kLateness = std::chrono::milliseconds(100);
  free_at_ = std::max(free_at_, now - kLateness) + Duration(static_cast<std::int64_t>(takes));
}

void Flight::on_sent(NodeTime now, std::uint64_t bytes) {
  sent_.push_back({now, bytes, delivered_});
  bytes_ += bytes;
}

void Flight::on_acknowledged(NodeTime now) {
  if (sent_.empty()) return;
  const Sent sent = sent_.front();
  sent_.pop_front();
  bytes_ -= sent.bytes;
  delivered_ += sent.bytes;
  turn_over(now);
  const Duration took = std::max(now - sent.at, Duration(1));
  rates_[0] = std::max(rates_[0], static_cast<double>(delivered_ - sent.delivered) / seconds(took));
  round_trip_ = std::min(round_trip_, took);
}

void Flight::clear() {
  sent_.clear();
  bytes_ = 0;
  rates_ = {};
  round_trip_ = Duration::max();
}

std::uint64_t Flight::largest() const {
  std::uint64_t most = 0;
  for (const Sent& sent : sent_) most = std::max(most, sent.bytes);
  return most;
}

void Flight::turn_over(NodeTime now) {
  if (now - span_began_ < kSpan) return;
  // After a pause of two spans nothing known is true any more.
  rates_[1] = now - span_began_ < 2 * kSpan ? rates_[0] : 0;
  rates_[0] = 0;
  span_began_ = now;
}

std::uint64_t Flight::room(NodeTime now) const {
  const double rate = now - span_began_ < 2 * kSpan ? std::max(rates_[0], rates_[1]) : 0;
  if (rate <= 0) return kUnknown;
  const Duration queue = std::max(round_trip_ / 2, kLeastQueue);
  return static_cast<std::uint64_t>(std::max(kLeastRoom, rate * seconds(round_trip_ + queue)));
}

}  // namespace spillway::link
