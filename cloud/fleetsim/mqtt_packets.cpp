#include "cloud/fleetsim/mqtt_packets.h"

namespace spillway::fleetsim {
namespace {

void put_u16(Bytes& out, std::size_t value) {
  out.push_back(std::uint8_t(value >> 8));
  out.push_back(std::uint8_t(value));
}
void put_size(Bytes& out, std::size_t size) {
  for (; size >= 0x80; size >>= 7) out.push_back(std::uint8_t(size | 0x80));
  out.push_back(std::uint8_t(size));
}
void put_bytes(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }
void put_counted(Bytes& out, ByteView bytes) {
  put_u16(out, bytes.size());
  put_bytes(out, bytes);
}

Bytes whole(PacketType type, unsigned flags, const Bytes& body) {
  Bytes out;
  out.reserve(body.size() + 5);
  out.push_back(std::uint8_t(unsigned(type) << 4 | flags));
  put_size(out, body.size());
  put_bytes(out, body);
  return out;
}

// The variable-length size at the front; nothing: incomplete. More than four bytes are corrupt.
struct Size {
  std::size_t value = 0, bytes = 0;
};
Result<std::optional<Size>> read_size(ByteView bytes) {
  Size size;
  for (unsigned shift = 0; shift < 28; shift += 7) {
    if (size.bytes == bytes.size()) return std::optional<Size>();
    std::uint8_t one = bytes[size.bytes++];
    size.value |= std::size_t(one & 0x7F) << shift;
    if (one < 0x80) return std::optional(size);
  }
  return fail(Code::corrupt, "the broker sent a size of more than four bytes");
}

std::size_t u16_at(ByteView bytes, std::size_t at) {
  return std::size_t(bytes[at]) << 8 | bytes[at + 1];
}

Error malformed() { return fail(Code::corrupt, "the broker sent a malformed PUBLISH"); }

}  // namespace

Bytes connect_packet(const std::string& client_id, std::uint16_t keep_alive_s, const Will& will) {
  constexpr std::uint8_t kCleanStart = 0x02, kWill = 0x04, kWillQos1 = 0x08, kWillRetain = 0x20;
  Bytes body;
  put_counted(body, as_bytes("MQTT"));
  body.push_back(5);
  body.push_back(kCleanStart | kWill | kWillQos1 | kWillRetain);
  put_u16(body, keep_alive_s);
  body.push_back(0);  // no properties
  put_counted(body, as_bytes(client_id));
  body.push_back(0);  // no properties of the will
  put_counted(body, as_bytes(will.topic));
  put_counted(body, will.payload);
  return whole(PacketType::connect, 0, body);
}

Bytes subscribe_packet(std::uint16_t id, const std::string& filter) {
  Bytes body;
  put_u16(body, id);
  body.push_back(0);
  put_counted(body, as_bytes(filter));
  body.push_back(1);
  return whole(PacketType::subscribe, 2, body);
}

Bytes publish_packet(const Outgoing& message) {
  Bytes body;
  put_counted(body, as_bytes(message.topic));
  if (message.id != 0) put_u16(body, message.id);
  body.push_back(0);
  put_bytes(body, message.payload);
  return whole(PacketType::publish, (message.id != 0 ? 2U : 0U) | (message.retained ? 1U : 0U),
               body);
}

Bytes puback_packet(std::uint16_t id) {
  Bytes body;
  put_u16(body, id);
  return whole(PacketType::puback, 0, body);
}
Bytes pingreq_packet() { return whole(PacketType::pingreq, 0, {}); }
Bytes disconnect_packet() { return whole(PacketType::disconnect, 0, {}); }

Result<Incoming> read_publish(const Packet& packet) {
  ByteView rest = packet.body;
  unsigned qos = packet.flags >> 1 & 3;
  if (qos > 1 || rest.size() < 2) return malformed();
  std::size_t size = u16_at(rest, 0);
  std::size_t id_size = qos > 0 ? 2 : 0;
  if (rest.size() < 2 + size + id_size) return malformed();
  Incoming message;
  message.topic = as_text(rest.subspan(2, size));
  rest = rest.subspan(2 + size);
  if (qos > 0) message.id = std::uint16_t(u16_at(rest, 0));
  rest = rest.subspan(id_size);
  auto properties = read_size(rest);
  if (!properties || !*properties || (qos > 0 && message.id == 0)) return malformed();
  std::size_t skipped = (*properties)->bytes + (*properties)->value;
  if (rest.size() < skipped) return malformed();
  message.payload = rest.subspan(skipped);
  return message;
}

bool says_yes(const Packet& packet) {
  constexpr std::uint8_t kFailure = 0x80;
  ByteView body = packet.body;
  switch (packet.type) {
    case PacketType::connack: return body.size() >= 2 && body[1] == 0;
    case PacketType::suback: return body.size() >= 4 && body.back() < kFailure;
    case PacketType::puback: return body.size() == 2 || (body.size() > 2 && body[2] < kFailure);
    default: return false;
  }
}

void PacketReader::feed(ByteView bytes) {
  if (used_ > 0) buffer_.erase(buffer_.begin(), buffer_.begin() + std::ptrdiff_t(used_));
  used_ = 0;
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

Result<std::optional<Packet>> PacketReader::next() {
  ByteView rest = ByteView(buffer_).subspan(used_);
  if (rest.size() < 2) return std::optional<Packet>();
  auto size = read_size(rest.subspan(1));
  if (!size) return size.error();
  if (!*size) return std::optional<Packet>();
  if ((*size)->value > kMaxPacket) return fail(Code::corrupt, "the broker sent too large a packet");
  std::size_t begin = 1 + (*size)->bytes, end = begin + (*size)->value;
  if (rest.size() < end) return std::optional<Packet>();
  used_ += end;
  return std::optional(Packet{PacketType(rest[0] >> 4), std::uint8_t(rest[0] & 15),
                              rest.subspan(begin, (*size)->value)});
}

}  // namespace spillway::fleetsim
