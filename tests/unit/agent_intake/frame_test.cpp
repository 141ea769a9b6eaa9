#include "agent/intake/frame.h"

#include <algorithm>

#include "common/wire/api.h"

// Last: it makes `new` a macro.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::intake;

TEST_GROUP(FrameBuffer) {
  FrameBuffer buffer;

  static Bytes stream_of(const std::vector<std::size_t>& sizes) {
    Bytes stream;
    for (std::size_t size : sizes)
      append_frame(stream, Bytes(size, static_cast<std::uint8_t>(size)));
    return stream;
  }
  // Feeds the stream in pieces and answers the sizes of the frames that came out.
  std::vector<std::size_t> sizes_from(const Bytes& stream, std::size_t piece) {
    std::vector<std::size_t> sizes;
    for (std::size_t at = 0; at < stream.size();) {
      const auto room = buffer.room();
      const std::size_t count = std::min({piece, room.size(), stream.size() - at});
      std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(at), count, room.begin());
      buffer.filled(count);
      at += count;
      for (auto frame = buffer.next(); *frame; frame = buffer.next()) {
        for (std::uint8_t byte : **frame) LONGS_EQUAL((*frame)->size() & 0xFF, byte);
        sizes.push_back((*frame)->size());
      }
    }
    return sizes;
  }
};

TEST(FrameBuffer, gives_the_same_frames_however_the_bytes_are_cut) {
  const std::vector<std::size_t> sizes = {1, 0, 300, 5000, 7, wire::kMaxFrame, 2, 70'000};
  for (std::size_t piece : {1u, 3u, 4u, 5u, 4096u, 1'000'000u}) {
    CHECK(sizes == sizes_from(stream_of(sizes), piece));
    CHECK_FALSE(buffer.half());
  }
}

TEST(FrameBuffer, refuses_a_length_over_the_limit_before_any_of_it_comes) {
  const std::uint32_t length = wire::kMaxFrame + 1;
  const auto room = buffer.room();
  for (std::size_t i = 0; i < 4; ++i) room[i] = static_cast<std::uint8_t>(length >> (8 * i));
  buffer.filled(4);
  CHECK(buffer.next().error().code == Code::corrupt);
}

TEST(FrameBuffer, aligns_every_frame_for_reading_in_place) {
  const Bytes stream = stream_of({3, 3, 3});
  std::copy(stream.begin(), stream.end(), buffer.room().begin());
  buffer.filled(stream.size());
  for (int i = 0; i < 3; ++i) {
    const auto frame = buffer.next();
    LONGS_EQUAL(0, reinterpret_cast<std::uintptr_t>((*frame)->data()) % 8);
  }
}

TEST(FrameBuffer, leaves_a_large_frame_where_it_was_read) {
  const Bytes stream = stream_of({70'000});
  const std::uint8_t* read = nullptr;
  for (std::size_t at = 0; at < stream.size();) {
    const auto room = buffer.room();
    read = room.data();
    const std::size_t count = std::min(room.size(), stream.size() - at);
    std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(at), count, room.begin());
    buffer.filled(count);
    at += count;
  }
  const auto frame = buffer.next();
  CHECK((*frame)->data() < read + 70'000 && read < (*frame)->data() + 70'000);
  LONGS_EQUAL(0, reinterpret_cast<std::uintptr_t>((*frame)->data()) % 8);
}

TEST(FrameBuffer, gives_memory_back_after_a_large_frame) {
  const std::size_t small = buffer.room().size();
  sizes_from(stream_of({wire::kMaxFrame}), 4096);
  LONGS_EQUAL(small, buffer.room().size());
}

TEST(FrameBuffer, always_has_room_even_when_nobody_takes_the_frames) {
  for (int i = 0; i < 100'000; ++i) {
    const auto room = buffer.room();
    CHECK_FALSE(room.empty());
    const std::size_t count = std::min<std::size_t>(room.size(), 7);
    std::fill_n(room.begin(), count, std::uint8_t{0});
    buffer.filled(count);
  }
}
