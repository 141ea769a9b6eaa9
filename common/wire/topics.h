#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "spillway/status.h"

namespace spillway::wire {

// spw/1/<shard>/<device>/{up,down}/<channel>, shard = crc32c(device) mod 64 as two hex digits.
enum class Direction : std::uint8_t { up, down };
enum class Channel : std::uint8_t { state, task, ack, result, tel, evt, ota, rsp, cfg, rpc };

struct Topic {
  std::string device;
  Direction direction = Direction::up;
  Channel channel = Channel::state;
  bool operator==(const Topic&) const = default;
};

inline constexpr std::string_view kCloudState = "spw/1/cloud/state";
// A device that does not exist: for trying whether a broker lets one client speak for another.
inline constexpr std::string_view kNobody = "nobody";

std::uint32_t crc32c(std::string_view text);  // Castagnoli, reflected, as iSCSI (RFC 3720)
unsigned shard_of(std::string_view device);   // 0..63
std::string to_string(const Topic& topic);
// Refuses topics whose shard does not belong to the device.
Result<Topic> parse_topic(std::string_view text);
// The device that a topic names, also one that is refused for its shard or its end; empty: none.
std::string device_named_in(std::string_view text);

}  // namespace spillway::wire
