#include "common/wire/api.h"
#include "common/wire/codec.h"
#include "tests/unit/wire/samples.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::wire;

namespace {

// What was decoded from damaged bytes must be as good as any: it encodes, and decodes to the same.
template <class T, class Decode>
bool holds(const Bytes& bytes, Decode decode) {
  Result<T> value = decode(bytes);
  if (!value) {
    return !value.error().message.empty() && value.error().message.size() < 400;
  }
  const auto again = encode(*value);
  Result<T> second = decode(again);
  return second.ok() && encode(*second) == again;
}

// Decodes as nodes do what they keep.
Result<TaskSpec> spec_in_place(ByteView bytes) {
  return decode_spec_in_place(std::make_shared<const Bytes>(bytes.begin(), bytes.end()));
}
Result<Message> message_in_place(ByteView bytes) {
  return decode_message_in_place(std::make_shared<const Bytes>(bytes.begin(), bytes.end()));
}

bool spec_holds(const Bytes& bytes) {
  Result<TaskSpec> spec = spec_in_place(bytes);
  return holds<TaskSpec>(bytes, spec_in_place) && (!spec || validate(*spec).ok());
}

bool message_holds(const Bytes& bytes) {
  Result<Message> message = message_in_place(bytes);
  if (!message) return holds<Message>(bytes, message_in_place);
  return !message->items.empty() && message->items.size() <= kMaxItems && message->session != 0 &&
         message->seq != 0 && holds<Message>(bytes, message_in_place);
}

struct Target {
  Bytes (*make)(Samples&);
  bool (*holds)(const Bytes&);
};

const Target kTargets[] = {
    {[](Samples& s) { return encode(s.spec()); }, spec_holds},
    {[](Samples& s) { return encode(s.message()).copy(); }, message_holds},
    {[](Samples& s) {
       return encode(Message{1, 1, {}, "", {s.item()}}).copy();
     },
     message_holds},
    {[](Samples& s) { return encode(s.result()); },
     [](const Bytes& bytes) { return holds<TaskResult>(bytes, decode_result); }},
    {[](Samples& s) { return encode(s.explanation()); },
     [](const Bytes& bytes) { return holds<Explanation>(bytes, decode_explanation); }},
    {[](Samples& s) { return encode(s.presence()); },
     [](const Bytes& bytes) { return holds<Presence>(bytes, decode_presence); }},
    {[](Samples& s) { return encode(s.request()); },
     [](const Bytes& bytes) { return holds<Request>(bytes, decode_request); }},
    {[](Samples& s) { return encode(s.answer()); },
     [](const Bytes& bytes) { return holds<Answer>(bytes, decode_answer); }},
};

// One to eight changed bytes, words set to telling values, a cut, or a doubled stretch.
Bytes damaged(Bytes bytes, Samples& samples) {
  constexpr std::uint32_t kTelling[] = {0, 1, 4, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFF0};
  for (std::uint64_t n = samples.number(1, 8); n > 0; --n) {
    std::size_t at = samples.number(0, bytes.size() - 1);
    switch (samples.number(0, 4)) {
      case 0: bytes[at] = static_cast<std::uint8_t>(samples.number(0, 255)); break;
      case 1: bytes[at] ^= static_cast<std::uint8_t>(1u << samples.number(0, 7)); break;
      case 2: {
        std::uint32_t word = kTelling[samples.number(0, std::size(kTelling) - 1)];
        at &= ~std::size_t{3};
        for (std::size_t i = at; i < std::min(at + 4, bytes.size()); ++i, word >>= 8) {
          bytes[i] = static_cast<std::uint8_t>(word);
        }
        break;
      }
      case 3: bytes[at] = bytes[samples.number(0, bytes.size() - 1)]; break;
      default:
        if (n == 1) bytes.resize(at + 1);
    }
  }
  return bytes;
}

// The first 64 bytes hold the root, its table and the vtable, where damage reaches furthest.
Bytes damaged_at_the_head(Bytes bytes, Samples& samples) {
  std::size_t at = samples.number(0, std::min<std::size_t>(bytes.size(), 64) - 1);
  bytes[at] = static_cast<std::uint8_t>(samples.number(0, 255));
  return bytes;
}

}  // namespace

TEST_GROUP(Hostile){};

TEST(Hostile, a_hundred_thousand_damaged_buffers_neither_crash_nor_decode_into_anything_invalid) {
  constexpr std::uint64_t kRounds = 100'000;
  constexpr std::uint64_t kRoundsPerBuffer = 50;
  Samples samples(20240229);
  Bytes valid;
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    const Target& target = kTargets[(round / kRoundsPerBuffer) % std::size(kTargets)];
    if (round % kRoundsPerBuffer == 0) valid = target.make(samples);
    Bytes bytes = round % 4 == 0 ? damaged_at_the_head(valid, samples) : damaged(valid, samples);
    CHECK_TEXT(target.holds(bytes), ("round " + std::to_string(round)).c_str());
  }
}

TEST(Hostile, every_truncation_of_a_small_buffer_is_handled) {
  Samples samples(5);
  for (const Target& target : kTargets) {
    Bytes valid = target.make(samples);
    for (std::size_t size = 0; size < std::min<std::size_t>(valid.size(), 2000); ++size) {
      CHECK(target.holds(Bytes(valid.begin(), valid.begin() + static_cast<std::ptrdiff_t>(size))));
    }
  }
}

TEST(Hostile, a_valid_buffer_of_one_type_is_handled_by_the_decoders_of_all_others) {
  Samples samples(6);
  for (int round = 0; round < 50; ++round) {
    for (const Target& from : kTargets) {
      Bytes bytes = from.make(samples);
      for (const Target& to : kTargets) CHECK(to.holds(bytes));
    }
  }
}
