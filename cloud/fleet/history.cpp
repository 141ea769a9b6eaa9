#include "cloud/fleet/history.h"

#include <bit>
#include <cmath>

namespace spillway::cloud {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
constexpr std::size_t kPointBytes = 4 * kDeviceSeries;

void put(Bytes& out, std::uint16_t bits) {
  out.push_back(std::uint8_t(bits));
  out.push_back(std::uint8_t(bits >> 8));
}
std::uint16_t get(ByteView bytes, std::size_t at) {
  return std::uint16_t(bytes[at] | bytes[at + 1] << 8);
}

void put(Bytes& out, const ShortPoint& point) {
  for (ShortFloat value : point.mean) put(out, value.bits());
  for (ShortFloat value : point.max) put(out, value.bits());
}
ShortPoint get_point(ByteView bytes) {
  ShortPoint point;
  for (std::size_t i = 0; i < kDeviceSeries; ++i) {
    point.mean[i] = ShortFloat::of_bits(get(bytes, 2 * i));
    point.max[i] = ShortFloat::of_bits(get(bytes, 2 * (kDeviceSeries + i)));
  }
  return point;
}

DevicePoint widen(Wall at, const ShortPoint& point) {
  DevicePoint wide{at, {}, {}};
  for (std::size_t i = 0; i < kDeviceSeries; ++i) {
    wide.mean[i] = float(point.mean[i]);
    wide.max[i] = float(point.max[i]);
  }
  return wide;
}

Error not_history() { return fail(Code::corrupt, "a row of the history makes no sense"); }

}  // namespace

ShortFloat::ShortFloat(float value) {
  // Rounds to nearest; a NaN must not round into an infinity.
  auto bits = std::bit_cast<std::uint32_t>(value);
  bits_ = std::isnan(value) ? std::uint16_t(0x7FC0) : std::uint16_t((bits + 0x8000) >> 16);
}

ShortFloat::operator float() const { return std::bit_cast<float>(std::uint32_t(bits_) << 16); }

ShortFloat ShortFloat::of_bits(std::uint16_t bits) {
  ShortFloat value;
  value.bits_ = bits;
  return value;
}

DevicePoint quarter_of(const HistoryBlock& block) {
  DevicePoint point{minutes(block.start), {}, {}};
  for (std::size_t series = 0; series < kDeviceSeries; ++series) {
    float sum = 0, max = kNone;
    unsigned count = 0;
    for (unsigned i = 0; i < HistoryBlock::kMinutes; ++i) {
      auto mean = float(block.minutes[i].mean[series]);
      if (!(block.filled >> i & 1) || std::isnan(mean)) continue;
      sum += mean;
      max = std::fmax(max, float(block.minutes[i].max[series]));
      ++count;
    }
    point.mean[series] = count > 0 ? sum / float(count) : kNone;
    point.max[series] = max;
  }
  return point;
}

void append_minutes(const HistoryBlock& block, std::vector<DevicePoint>& out) {
  for (unsigned i = 0; i < HistoryBlock::kMinutes; ++i) {
    if (block.filled >> i & 1) out.push_back(widen(minutes(block.start + i), block.minutes[i]));
  }
}

Bytes encode(const HistoryBlock& block) {
  Bytes out;
  put(out, block.filled);
  for (unsigned i = 0; i < HistoryBlock::kMinutes; ++i) {
    if (block.filled >> i & 1) put(out, block.minutes[i]);
  }
  return out;
}

Result<HistoryBlock> decode_block(std::uint32_t start, ByteView bytes) {
  if (bytes.size() < 2) return not_history();
  HistoryBlock block;
  block.start = start;
  block.filled = get(bytes, 0);
  auto points = std::size_t(std::popcount(block.filled));
  if (block.filled >> HistoryBlock::kMinutes || bytes.size() != 2 + points * kPointBytes) {
    return not_history();
  }
  std::size_t at = 2;
  for (unsigned i = 0; i < HistoryBlock::kMinutes; ++i) {
    if (!(block.filled >> i & 1)) continue;
    block.minutes[i] = get_point(bytes.subspan(at));
    at += kPointBytes;
  }
  return block;
}

Bytes encode(const DevicePoint& point) {
  ShortPoint narrow;
  for (std::size_t i = 0; i < kDeviceSeries; ++i) {
    narrow.mean[i] = ShortFloat(point.mean[i]);
    narrow.max[i] = ShortFloat(point.max[i]);
  }
  Bytes out;
  put(out, narrow);
  return out;
}

Result<DevicePoint> decode_point(Wall at, ByteView bytes) {
  if (bytes.size() != kPointBytes) return not_history();
  return widen(at, get_point(bytes));
}

DeviceHistory::Closed DeviceHistory::add(Wall at, const Sample& sample) {
  Closed closed;
  auto minute = std::uint32_t(std::max<std::int64_t>(at / std::chrono::minutes(1), minute_));
  if (minute != minute_) {
    closed.minute = minute_ != 0;
    close_minute();
    if (ends_block(minute)) closed.block = cut();
    if (block_.filled == 0) block_.start = minute;
    minute_ = minute;
  }
  std::array<ShortFloat, kDeviceSeries>& slot = samples_[next_sample_];
  sampled_[next_sample_] = std::uint32_t(at / seconds(1));
  next_sample_ = (next_sample_ + 1) % kSamples;
  for (std::size_t i = 0; i < kDeviceSeries; ++i) {
    slot[i] = ShortFloat(sample[i]);
    if (std::isnan(sample[i]) || count_[i] == 255) continue;
    max_[i] = count_[i] == 0 ? sample[i] : std::fmax(max_[i], sample[i]);
    sum_[i] += sample[i];
    ++count_[i];
  }
  return closed;
}

bool DeviceHistory::ends_block(std::uint32_t minute) const {
  if (block_.filled == 0) return false;
  auto block_of = [this](std::uint32_t at) { return (at + phase_) / HistoryBlock::kMinutes; };
  return block_of(minute) != block_of(block_.start);
}

void DeviceHistory::close_minute() {
  if (minute_ == 0) return;
  unsigned at = minute_ - block_.start;
  if (at >= HistoryBlock::kMinutes) return;
  ShortPoint& point = block_.minutes[at];
  for (std::size_t i = 0; i < kDeviceSeries; ++i) {
    bool any = count_[i] > 0;
    point.mean[i] = ShortFloat(any ? sum_[i] / float(count_[i]) : kNone);
    point.max[i] = ShortFloat(any ? max_[i] : kNone);
  }
  block_.filled = std::uint16_t(block_.filled | 1U << at);
  sum_ = {};
  count_ = {};
}

std::optional<HistoryBlock> DeviceHistory::cut() {
  if (block_.filled == 0) return std::nullopt;
  HistoryBlock whole = block_;
  block_ = {};
  block_.start = minute_;
  return whole;
}

void DeviceHistory::samples(std::vector<DevicePoint>& out) const {
  for (unsigned i = 0; i < kSamples; ++i) {
    unsigned at = (next_sample_ + i) % kSamples;
    if (sampled_[at] == 0) continue;
    ShortPoint point{samples_[at], samples_[at]};
    out.push_back(widen(seconds(sampled_[at]), point));
  }
}

void DeviceHistory::minutes(std::vector<DevicePoint>& out) const { append_minutes(block_, out); }

namespace {

// Six hours, two days, thirty days.
constexpr std::size_t kKept[] = {2160, 2880, 2880};

}  // namespace

FleetHistory::Closed FleetHistory::add(const FleetPoint& sample) {
  Closed closed;
  keep(Resolution::sample, sample);
  closed.minute = gather(Resolution::minute, sample, std::chrono::minutes(1));
  if (!closed.minute) return closed;
  keep(Resolution::minute, *closed.minute);
  closed.quarter = gather(Resolution::quarter, *closed.minute, std::chrono::minutes(15));
  if (closed.quarter) keep(Resolution::quarter, *closed.quarter);
  return closed;
}

void FleetHistory::keep(Resolution resolution, const FleetPoint& point) {
  Level& level = levels_[std::size_t(resolution)];
  if (level.ring.size() < kKept[std::size_t(resolution)]) {
    level.ring.push_back(point);
  } else {
    level.ring[level.begin] = point;
    level.begin = (level.begin + 1) % level.ring.size();
  }
}

// Adds to the open span, and answers the one before when `point` begins another.
std::optional<FleetPoint> FleetHistory::gather(Resolution resolution, const FleetPoint& point,
                                               Duration span) {
  Level& level = levels_[std::size_t(resolution)];
  std::optional<FleetPoint> closed;
  if (level.taken > 0 && point.at / span != level.sum.at / span) {
    closed = level.sum;
    for (std::size_t i = 0; i < kFleetSeries; ++i) {
      float& value = closed->value[i];
      value = level.counts[i] > 0 ? value / float(level.counts[i]) : kNone;
    }
    level.taken = 0;
  }
  if (level.taken++ == 0) {
    level.sum = {point.at / span * span, {}};
    level.counts = {};
  }
  for (std::size_t i = 0; i < kFleetSeries; ++i) {
    if (std::isnan(point.value[i])) continue;
    level.sum.value[i] += point.value[i];
    ++level.counts[i];
  }
  return closed;
}

void FleetHistory::restore(Resolution resolution, const std::vector<FleetPoint>& points) {
  for (const FleetPoint& point : points) keep(resolution, point);
}

std::vector<FleetPoint> FleetHistory::read(const SeriesQuery& query) const {
  const Level& level = levels_[std::size_t(query.resolution)];
  std::vector<FleetPoint> points;
  for (std::size_t i = 0; i < level.ring.size(); ++i) {
    const FleetPoint& point = level.ring[(level.begin + i) % level.ring.size()];
    if (point.at >= query.from && point.at < query.until) points.push_back(point);
  }
  return points;
}

Bytes encode(const FleetPoint& point) {
  Bytes out;
  for (float value : point.value) {
    auto bits = std::bit_cast<std::uint32_t>(value);
    put(out, std::uint16_t(bits));
    put(out, std::uint16_t(bits >> 16));
  }
  return out;
}

Result<FleetPoint> decode_fleet_point(Wall at, ByteView bytes) {
  if (bytes.size() != 4 * kFleetSeries) return not_history();
  FleetPoint point{at, {}};
  for (std::size_t i = 0; i < kFleetSeries; ++i) {
    std::uint32_t bits = get(bytes, 4 * i) | std::uint32_t(get(bytes, 4 * i + 2)) << 16;
    point.value[i] = std::bit_cast<float>(bits);
  }
  return point;
}

}  // namespace spillway::cloud
