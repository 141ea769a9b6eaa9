#include "common/wire/topics.h"

#include <array>
#include <vector>

#include "spillway/ids.h"

namespace spillway::wire {
namespace {

constexpr std::string_view kChannels[] = {"state", "task", "ack", "result", "tel",
                                          "evt",   "ota",  "rsp", "cfg",    "rpc"};
constexpr std::size_t kLongest = 128;  // bytes; the longest valid topic has 84

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82F63B78u : 0u);
    table[i] = crc;
  }
  return table;
}();

std::string shard_level(std::string_view device) {
  constexpr char kDigits[] = "0123456789abcdef";
  unsigned shard = shard_of(device);
  return {kDigits[shard >> 4], kDigits[shard & 15]};
}

bool flows(Channel channel, Direction direction) {
  switch (channel) {
    case Channel::task:
    case Channel::ack:
    case Channel::result:
    case Channel::ota: return true;
    case Channel::cfg:
    case Channel::rpc: return direction == Direction::down;
    default: return direction == Direction::up;
  }
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> levels;
  for (std::size_t slash; (slash = text.find('/')) != text.npos; text.remove_prefix(slash + 1)) {
    levels.push_back(text.substr(0, slash));
  }
  levels.push_back(text);
  return levels;
}

Error refuse(std::string_view text, const char* why) {
  return fail(Code::invalid_argument,
              "'" + std::string(text.substr(0, kLongest)) + "' is not a topic of ours: " + why);
}

}  // namespace

std::uint32_t crc32c(std::string_view text) {
  std::uint32_t crc = ~0u;
  for (char c : text) crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<std::uint8_t>(c)) & 0xFF];
  return ~crc;
}

unsigned shard_of(std::string_view device) { return crc32c(device) % 64; }

std::string to_string(const Topic& topic) {
  std::string text = "spw/1/" + shard_level(topic.device) + "/" + topic.device;
  text += topic.direction == Direction::up ? "/up/" : "/down/";
  return text += kChannels[static_cast<std::size_t>(topic.channel)];
}

Result<Topic> parse_topic(std::string_view text) {
  if (text.size() > kLongest) return refuse(text, "too long");
  std::vector<std::string_view> levels = split(text);
  if (levels.size() != 6 || levels[0] != "spw" || levels[1] != "1") {
    return refuse(text, "spw/1/<shard>/<device>/<up|down>/<channel> is");
  }
  Result<std::string> device = check_device_id(levels[3]);
  if (!device) return refuse(text, "bad device id");
  if (levels[2] != shard_level(*device)) return refuse(text, "not the device's shard");
  if (levels[4] != "up" && levels[4] != "down") return refuse(text, "neither up nor down");
  Direction direction = levels[4] == "up" ? Direction::up : Direction::down;
  for (std::size_t i = 0; i < std::size(kChannels); ++i) {
    auto channel = static_cast<Channel>(i);
    if (levels[5] == kChannels[i] && flows(channel, direction)) {
      return Topic{std::move(*device), direction, channel};
    }
  }
  return refuse(text, "no such channel in this direction");
}

std::string device_named_in(std::string_view text) {
  if (text.size() > kLongest) return "";
  const std::vector<std::string_view> levels = split(text);
  if (levels.size() < 4 || levels[0] != "spw") return "";
  Result<std::string> device = check_device_id(levels[3]);
  return device ? *std::move(device) : "";
}

}  // namespace spillway::wire
