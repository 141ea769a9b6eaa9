#include <algorithm>
#include <cstddef>

#include "agent/intake/frame.h"
#include "cloud/fleetsim/mqtt_packets.h"
#include "common/wire/api.h"
#include "common/wire/codec.h"
#include "common/wire/telemetry.h"
#include "common/wire/topics.h"
#include "tests/fuzz/checks.h"

namespace spillway::fuzz {
namespace {

// Decodes as nodes do what they keep.
Result<TaskSpec> spec_in_place(ByteView bytes) {
  return wire::decode_spec_in_place(std::make_shared<const Bytes>(bytes.begin(), bytes.end()));
}
Result<wire::Message> message_in_place(ByteView bytes) {
  return wire::decode_message_in_place(std::make_shared<const Bytes>(bytes.begin(), bytes.end()));
}

}  // namespace

void spec(ByteView bytes) { decode_again(spec_in_place(bytes), spec_in_place); }
void result(ByteView bytes) { decode_again(wire::decode_result(bytes), wire::decode_result); }
void explanation(ByteView bytes) {
  decode_again(wire::decode_explanation(bytes), wire::decode_explanation);
}
void message(ByteView bytes) { decode_again(message_in_place(bytes), message_in_place); }
void presence(ByteView bytes) { decode_again(wire::decode_presence(bytes), wire::decode_presence); }
void request(ByteView bytes) { decode_again(wire::decode_request(bytes), wire::decode_request); }
void answer(ByteView bytes) { decode_again(wire::decode_answer(bytes), wire::decode_answer); }

void telemetry(ByteView bytes) {
  if (auto decoded = wire::decode_telemetry(bytes); !decoded) must_read_well(decoded.error());
}

void topic(ByteView bytes) {
  auto parsed = wire::parse_topic(as_text(bytes));
  if (!parsed) return must_read_well(parsed.error());
  must(wire::to_string(*parsed) == as_text(bytes), "a topic is written as it is read");
}

// In pieces of every size, as a socket gives them.
void frames(ByteView bytes) {
  intake::FrameBuffer buffer;
  std::size_t framed = 0;
  for (ByteView rest = bytes; !rest.empty();) {
    std::span<std::uint8_t> room = buffer.room();
    must(!room.empty(), "there is always room for a byte");
    const std::size_t piece = std::min({room.size(), rest.size(), std::size_t(1 + rest[0])});
    std::copy_n(rest.begin(), piece, room.begin());
    buffer.filled(piece);
    rest = rest.subspan(piece);
    for (;;) {
      auto frame = buffer.next();
      if (!frame) return must_read_well(frame.error());
      if (!*frame) break;
      framed += (*frame)->size();
    }
  }
  must(framed <= bytes.size(), "no more comes out than went in");
}

void packets(ByteView bytes) {
  fleetsim::PacketReader reader;
  reader.feed(bytes);
  for (std::size_t i = 0; i <= bytes.size(); ++i) {
    auto packet = reader.next();
    if (!packet || !*packet) return;
    must((*packet)->body.size() < bytes.size(), "a packet is no larger than what was fed");
    (void)fleetsim::says_yes(**packet);
    if (auto read = fleetsim::read_publish(**packet)) {
      must(read->topic.size() + read->payload.size() < bytes.size(), "nor is what is in it");
    }
  }
  must(false, "every packet takes a byte at least");
}

}  // namespace spillway::fuzz
