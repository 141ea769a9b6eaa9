#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "cloud/fleet/views.h"
#include "spillway/bytes.h"
#include "spillway/status.h"

// One device's measurements over time in about a kilobyte: two minutes of samples and a quarter
// hour of minutes. A closed quarter goes to the store. Pure.
namespace spillway::cloud {

using Sample = std::array<float, kDeviceSeries>;  // NaN: not measured

// The upper half of a float: three significant digits are enough to look at.
class ShortFloat {
 public:
  ShortFloat() : ShortFloat(std::numeric_limits<float>::quiet_NaN()) {}
  explicit ShortFloat(float value);
  explicit operator float() const;
  static ShortFloat of_bits(std::uint16_t bits);
  std::uint16_t bits() const { return bits_; }

 private:
  std::uint16_t bits_;
};

struct ShortPoint {
  std::array<ShortFloat, kDeviceSeries> mean, max;
};

// Up to fifteen minutes in a row, of which those with a bit in `filled` were measured.
struct HistoryBlock {
  static constexpr unsigned kMinutes = 15;
  std::uint32_t start = 0;  // minutes since 1970
  std::uint16_t filled = 0;
  std::array<ShortPoint, kMinutes> minutes;
};
DevicePoint quarter_of(const HistoryBlock& block);
void append_minutes(const HistoryBlock& block, std::vector<DevicePoint>& out);
Bytes encode(const HistoryBlock& block);
Result<HistoryBlock> decode_block(std::uint32_t start, ByteView bytes);  // corrupt
Bytes encode(const DevicePoint& point);
Result<DevicePoint> decode_point(Wall at, ByteView bytes);

class DeviceHistory {
 public:
  // Devices close their quarters in different minutes, so that the store is not hit by all at once.
  explicit DeviceHistory(std::uint32_t phase) : phase_(phase % HistoryBlock::kMinutes) {}

  struct Closed {
    bool minute = false;  // a minute was completed
    std::optional<HistoryBlock> block;
  };
  // A wall clock that went back counts as standing still.
  Closed add(Wall at, const Sample& sample);
  // Takes the present block as far as it is filled, and begins another; none: it is empty.
  std::optional<HistoryBlock> cut();

  void samples(std::vector<DevicePoint>& out) const;
  void minutes(std::vector<DevicePoint>& out) const;  // those not in the store yet

 private:
  static constexpr unsigned kSamples = 12;
  void close_minute();
  bool ends_block(std::uint32_t minute) const;

  std::array<std::array<ShortFloat, kDeviceSeries>, kSamples> samples_;
  std::array<std::uint32_t, kSamples> sampled_{};  // seconds since 1970; 0: none
  unsigned next_sample_ = 0;
  std::uint32_t phase_;
  std::uint32_t minute_ = 0;  // the open one
  std::array<float, kDeviceSeries> sum_{}, max_{};
  std::array<std::uint8_t, kDeviceSeries> count_{};
  HistoryBlock block_;
};

// The whole fleet's series at three resolutions, each a bounded queue.
class FleetHistory {
 public:
  struct Closed {
    std::optional<FleetPoint> minute, quarter;  // to be stored
  };
  Closed add(const FleetPoint& sample);
  void restore(Resolution resolution, const std::vector<FleetPoint>& points);  // oldest first
  std::vector<FleetPoint> read(const SeriesQuery& query) const;

 private:
  struct Level {
    std::vector<FleetPoint> ring;
    std::size_t begin = 0;
    FleetPoint sum;
    std::array<std::uint32_t, kFleetSeries> counts{};
    unsigned taken = 0;
  };
  void keep(Resolution resolution, const FleetPoint& point);
  std::optional<FleetPoint> gather(Resolution resolution, const FleetPoint& point, Duration span);

  std::array<Level, 3> levels_;
};
Bytes encode(const FleetPoint& point);
Result<FleetPoint> decode_fleet_point(Wall at, ByteView bytes);

}  // namespace spillway::cloud
