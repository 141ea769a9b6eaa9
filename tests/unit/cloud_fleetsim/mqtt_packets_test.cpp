#include "cloud/fleetsim/mqtt_packets.h"

#include <random>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::fleetsim;

TEST_GROUP(MqttPackets){};

TEST(MqttPackets, a_publication_comes_back_however_the_stream_is_cut) {
  Bytes stream;
  for (std::size_t i = 0; i < 50; ++i) {
    Bytes payload(i * 37, std::uint8_t(i));
    Bytes packet = publish_packet({"spw/1/cloud/state", payload, std::uint16_t(i), i % 2 == 0});
    stream.insert(stream.end(), packet.begin(), packet.end());
  }
  std::mt19937_64 random(1);
  PacketReader reader;
  std::size_t seen = 0;
  for (std::size_t at = 0; at < stream.size();) {
    std::size_t size = std::min<std::size_t>(1 + random() % 100, stream.size() - at);
    reader.feed(ByteView(stream).subspan(at, size));
    at += size;
    for (;;) {
      auto packet = reader.next();
      CHECK(packet.ok());
      if (!*packet) break;
      auto message = read_publish(**packet);
      CHECK(message.ok());
      CHECK(message->topic == "spw/1/cloud/state");
      CHECK_EQUAL(seen * 37, message->payload.size());
      CHECK_EQUAL(seen, std::size_t(message->id));
      ++seen;
    }
  }
  CHECK_EQUAL(50U, seen);
}

TEST(MqttPackets, a_connect_is_what_the_standard_says) {
  Bytes packet = connect_packet("sim-1", 60, {"t", {9}});
  const Bytes expected = {0x10, 26,  0,   4,   'M', 'Q', 'T', 'T', 5, 0x2E, 0, 60, 0, 0,
                          5,    's', 'i', 'm', '-', '1', 0,   0,   1, 't',  0, 1,  9};
  // The size covers what follows it.
  CHECK_EQUAL(packet.size() - 2, std::size_t(packet[1]));
  CHECK(std::equal(packet.begin() + 2, packet.end(), expected.begin() + 2, expected.end()));
}

TEST(MqttPackets, answers_say_yes_or_no) {
  const Bytes yes = {0, 0, 0}, no = {0, 0x87, 0}, taken = {0, 1, 0, 1}, refused = {0, 1, 0, 0x87};
  CHECK(says_yes({PacketType::connack, 0, yes}));
  CHECK_FALSE(says_yes({PacketType::connack, 0, no}));
  CHECK(says_yes({PacketType::suback, 0, taken}));
  CHECK_FALSE(says_yes({PacketType::suback, 0, refused}));
  CHECK_FALSE(says_yes({PacketType::connack, 0, {}}));
  CHECK_FALSE(says_yes({PacketType::suback, 0, {}}));
}

TEST(MqttPackets, hostile_bytes_are_an_error_and_never_a_crash) {
  std::mt19937_64 random(7);
  std::size_t refused = 0, packets = 0, published = 0;
  for (int round = 0; round < 50'000; ++round) {
    Bytes bytes(random() % 64);
    for (std::uint8_t& byte : bytes) byte = std::uint8_t(random());
    // Noise alone never gets as far as a topic: every other time it is one byte of a good packet.
    if (round % 2 == 0) {
      bytes = publish_packet({"a/b", bytes, static_cast<std::uint16_t>(round % 4 == 0 ? 7 : 0)});
      bytes[random() % bytes.size()] = std::uint8_t(random());
    }
    PacketReader reader;
    reader.feed(bytes);
    for (int i = 0; i < 64; ++i) {
      auto packet = reader.next();
      if (!packet) {
        ++refused;
        CHECK(packet.error().code == Code::corrupt);
      }
      if (!packet || !*packet) break;
      ++packets;
      CHECK((*packet)->body.size() + 2 <= bytes.size());
      (void)says_yes(**packet);
      const auto read = read_publish(**packet);
      if (!read) continue;
      ++published;
      CHECK(read->topic.size() + read->payload.size() + 2 <= (*packet)->body.size());
    }
  }
  // All ways are taken, or the bytes are too tame.
  CHECK(refused > 100);
  CHECK(packets > 1000);
  CHECK(published > 1000);
}

TEST(MqttPackets, a_packet_too_large_is_refused_before_it_is_gathered) {
  PacketReader reader;
  reader.feed(Bytes{0x30, 0xFF, 0xFF, 0xFF, 0x7F});
  CHECK_FALSE(reader.next().ok());
  PacketReader other;
  other.feed(Bytes{0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F});
  CHECK_FALSE(other.next().ok());
}
