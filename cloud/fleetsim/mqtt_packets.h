#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "spillway/bytes.h"
#include "spillway/status.h"

// The few MQTT 5 packets that a device needs. Pure. What a broker sends is hostile.
namespace spillway::fleetsim {

enum class PacketType : std::uint8_t {
  connect = 1,
  connack = 2,
  publish = 3,
  puback = 4,
  subscribe = 8,
  suback = 9,
  pingreq = 12,
  pingresp = 13,
  disconnect = 14
};

struct Will {
  std::string topic;
  Bytes payload;  // QoS 1, retained
};
Bytes connect_packet(const std::string& client_id, std::uint16_t keep_alive_s, const Will& will);
Bytes subscribe_packet(std::uint16_t id, const std::string& filter);  // QoS 1
struct Outgoing {
  std::string_view topic;
  ByteView payload;
  std::uint16_t id = 0;  // 0: QoS 0
  bool retained = false;
};
Bytes publish_packet(const Outgoing& message);
Bytes puback_packet(std::uint16_t id);
Bytes pingreq_packet();
Bytes disconnect_packet();

struct Packet {
  PacketType type{};
  std::uint8_t flags = 0;
  ByteView body;
};
struct Incoming {
  std::string_view topic;
  ByteView payload;
  std::uint16_t id = 0;  // 0: QoS 0
};
// Reads a PUBLISH with QoS 0 or 1.
Result<Incoming> read_publish(const Packet& packet);
// Whether a CONNACK, SUBACK or PUBACK says yes.
bool says_yes(const Packet& packet);

// Cuts a stream of bytes into packets. A packet lives until the next call.
class PacketReader {
 public:
  static constexpr std::size_t kMaxPacket = 256 * 1024;
  void feed(ByteView bytes);
  // Nothing: more bytes are to come. Corrupt: the stream is of no more use.
  Result<std::optional<Packet>> next();

 private:
  Bytes buffer_;
  std::size_t used_ = 0;
};

}  // namespace spillway::fleetsim
