#include "common/sqlite/packing.h"

#include <random>

#include "common/wire/codec.h"

// After all others: it redefines `new`.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::sqlite;

namespace {

void check_comes_back(const Bytes& bytes) { CHECK(bytes == unpack(pack(bytes))); }

Bytes one_of(std::mt19937& random, std::size_t size) {
  Bytes bytes(size);
  const auto zeros = random() % 10;
  for (auto& byte : bytes) byte = random() % 10 < zeros ? 0 : std::uint8_t(random());
  return bytes;
}

}  // namespace

TEST_GROUP(Packing){};

TEST(Packing, nothing_stays_nothing) {
  CHECK(pack({}).empty());
  CHECK(unpack({}).empty());
}

TEST(Packing, what_was_packed_comes_back_whatever_its_length_and_its_zeros) {
  std::mt19937 random(1);
  for (std::size_t size = 0; size < 300; ++size) {
    for (int i = 0; i < 20; ++i) check_comes_back(one_of(random, size));
  }
}

TEST(Packing, runs_longer_than_one_byte_can_say_come_back) {
  for (const std::size_t words : {254U, 255U, 256U, 257U, 1000U}) {
    check_comes_back(Bytes(words * 8, 0));
    check_comes_back(Bytes(words * 8, 7));
    check_comes_back(Bytes(words * 8 + 3, 0));
    check_comes_back(Bytes(words * 8 + 3, 7));
  }
}

TEST(Packing, a_word_takes_a_tag_and_what_is_not_zero_in_it) {
  const Bytes packed = pack(Bytes{8, 0, 0, 0, 0x53, 0, 0, 0x31});
  CHECK((packed == Bytes{1, 8, 0x91, 8, 0x53, 0x31}));
}

TEST(Packing, zeros_take_two_bytes_and_what_has_none_hardly_more_than_it_is) {
  CHECK((pack(Bytes(80, 0)) == Bytes{1, 80, 0, 9}));
  CHECK_EQUAL(1 + 1 + 1 + 80 + 1, pack(Bytes(80, 7)).size());
}

TEST(Packing, a_result_takes_two_thirds_of_its_encoding) {
  TaskResult result;
  result.id = {Origin{0x1234'5678'9ABC'DEF0}, 42};
  result.value.bytes = to_bytes(R"({"sum":1234.5})");
  result.attempts.resize(1);
  result.attempts.front().times.started = NodeTime(Duration(123'456'789));
  const Bytes encoded = wire::encode(result);
  check_comes_back(encoded);
  CHECK(pack(encoded).size() * 3 < encoded.size() * 2);
}

TEST(Packing, what_was_stored_before_there_was_packing_comes_as_it_is) {
  TaskSpec spec;
  spec.kind.name = "echo";
  const Bytes encoded = wire::encode(spec);
  CHECK(encoded == unpack(encoded));
  CHECK(to_bytes("boom") == unpack(as_bytes("boom")));
}

TEST(Packing, what_is_cut_short_or_goes_on_comes_as_it_is) {
  std::mt19937 random(2);
  const Bytes packed = pack(one_of(random, 100));
  for (std::size_t size = 1; size < packed.size(); ++size) {
    const Bytes cut(packed.begin(), packed.begin() + std::ptrdiff_t(size));
    CHECK(cut == unpack(cut));
  }
  Bytes longer = packed;
  longer.push_back(0);
  CHECK(longer == unpack(longer));
}

TEST(Packing, a_length_beyond_all_reason_is_not_believed) {
  const Bytes huge{1, 0xFF, 0xFF, 0xFF, 0x7F, 0, 255};
  CHECK(huge == unpack(huge));
  const Bytes endless(40, 0xFF);
  Bytes marked = endless;
  marked.front() = 1;
  CHECK(marked == unpack(marked));
}

TEST(Packing, damage_yields_some_bytes_and_no_more) {
  std::mt19937 random(3);
  for (int i = 0; i < 20'000; ++i) {
    Bytes packed = pack(one_of(random, 1 + random() % 200));
    for (int n = 0; n < 3; ++n) packed[1 + random() % (packed.size() - 1)] = std::uint8_t(random());
    CHECK(unpack(packed).size() <= 1 << 20);
  }
}
