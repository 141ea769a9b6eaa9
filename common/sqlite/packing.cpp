#include "common/sqlite/packing.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>

namespace spillway::sqlite {
namespace {

// What is packed are FlatBuffers, which begin with an offset that four divides, and words.
constexpr std::uint8_t kMark = 1;
constexpr std::size_t kWord = 8;
constexpr std::size_t kMostWords = 255;      // of a run
constexpr std::size_t kMostBytes = 1 << 20;  // of what was packed; more is damage
constexpr std::uint8_t kNone = 0, kAll = 0xFF;

static_assert(std::endian::native == std::endian::little, "a tag's first bit is the first byte's");

constexpr std::size_t words_of(std::size_t bytes) { return (bytes + kWord - 1) / kWord; }

std::uint64_t word_at(ByteView bytes, std::size_t index) {
  std::uint64_t word = 0;
  std::memcpy(&word, &bytes[index * kWord], std::min(kWord, bytes.size() - index * kWord));
  return word;
}

// Bit i: byte i is not zero. The high bit of each such byte is set, and then all are moved side by
// side by one multiplication.
std::uint8_t tag_of(std::uint64_t word) {
  constexpr std::uint64_t kLow = 0x7F7F'7F7F'7F7F'7F7F, kGather = 0x0102'0408'1020'4080;
  const std::uint64_t high = (((word & kLow) + kLow) | word) & ~kLow;
  return static_cast<std::uint8_t>((high >> 7) * kGather >> 56);
}

// Whether a word has at most one byte of zero: a tag saves nothing then.
bool is_dense(std::uint64_t word) {
  const unsigned zeros = tag_of(word) ^ 0xFFu;
  return (zeros & (zeros - 1)) == 0;
}

// The length of the run of zeros, or of dense words, from `index` on, as far as one byte can say.
std::uint8_t run_from(ByteView bytes, std::size_t index, bool zeros) {
  const std::size_t end = std::min(words_of(bytes.size()), index + kMostWords);
  std::size_t next = index;
  for (; next < end; ++next) {
    const std::uint64_t word = word_at(bytes, next);
    if (zeros ? word != 0 : !is_dense(word)) break;
  }
  return static_cast<std::uint8_t>(next - index);
}

// Writes to a buffer that has room for all.
class Sink {
 public:
  explicit Sink(std::uint8_t* at) : at_(at) {}
  const std::uint8_t* at() const { return at_; }

  void put(std::uint8_t byte) { *at_++ = byte; }
  void put_length(std::size_t length) {
    for (; length >= 0x80; length >>= 7) put(std::uint8_t(length | 0x80));
    put(std::uint8_t(length));
  }
  void put_word(std::uint64_t word) {
    std::memcpy(at_, &word, kWord);
    at_ += kWord;
  }
  void put_marked(std::uint64_t word, std::uint8_t tag) {
    for (unsigned i = 0; i < kWord; ++i, word >>= 8) {
      *at_ = static_cast<std::uint8_t>(word);
      at_ += tag >> i & 1;
    }
  }

 private:
  std::uint8_t* at_;
};

// Takes from the front, nothing when there is less.
class Source {
 public:
  explicit Source(ByteView bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }

  std::optional<ByteView> take(std::size_t size) {
    if (bytes_.size() < size) return std::nullopt;
    const ByteView taken = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return taken;
  }
  std::optional<std::uint8_t> take_one() {
    const auto one = take(1);
    return one ? std::optional(one->front()) : std::nullopt;
  }
  std::optional<std::size_t> take_length() {
    std::size_t length = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
      const auto part = take_one();
      if (!part) return std::nullopt;
      length |= std::size_t(*part & 0x7F) << shift;
      if (*part < 0x80) return length;
    }
    return std::nullopt;
  }

 private:
  ByteView bytes_;
};

// The next tag's words to `out`, which is zeros and ends with a word. How many bytes that were;
// nothing when the source or the room is short.
std::optional<std::size_t> unpack_some(Source& source, std::span<std::uint8_t> out) {
  const auto tag = source.take_one();
  const auto marked = tag ? source.take(unsigned(std::popcount(*tag))) : std::nullopt;
  if (!marked) return std::nullopt;
  auto next = marked->begin();
  for (unsigned i = 0; i < kWord; ++i) {
    if ((*tag >> i & 1) != 0) out[i] = *next++;
  }
  if (*tag != kNone && *tag != kAll) return kWord;
  const auto run = source.take_one();
  const std::size_t more = run ? *run * kWord : 0;
  if (!run || more > out.size() - kWord) return std::nullopt;
  if (*tag == kNone) return kWord + more;
  const auto dense = source.take(more);
  if (!dense) return std::nullopt;
  std::copy(dense->begin(), dense->end(), out.begin() + kWord);
  return kWord + more;
}

std::optional<Bytes> unpack_all(Source source) {
  const auto length = source.take_length();
  if (!length || *length > kMostBytes) return std::nullopt;
  Bytes bytes(words_of(*length) * kWord);
  for (std::span<std::uint8_t> rest(bytes); !rest.empty();) {
    const auto done = unpack_some(source, rest);
    if (!done) return std::nullopt;
    rest = rest.subspan(*done);
  }
  if (!source.empty()) return std::nullopt;
  bytes.resize(*length);
  return bytes;
}

}  // namespace

Bytes pack(ByteView bytes) {
  if (bytes.empty()) return {};
  const std::size_t words = words_of(bytes.size());
  // Mark and length; a tag, eight bytes and a run for each word; what put_marked() writes beyond.
  Bytes packed(1 + 10 + words * (1 + kWord + 1) + 1);
  Sink sink(packed.data());
  sink.put(kMark);
  sink.put_length(bytes.size());
  for (std::size_t i = 0; i < words;) {
    const std::uint64_t word = word_at(bytes, i++);
    const std::uint8_t tag = tag_of(word);
    sink.put(tag);
    sink.put_marked(word, tag);
    if (tag != kNone && tag != kAll) continue;
    const std::uint8_t run = run_from(bytes, i, tag == kNone);
    sink.put(run);
    if (tag == kNone) {
      i += run;
    } else {
      for (const std::size_t end = i + run; i < end; ++i) sink.put_word(word_at(bytes, i));
    }
  }
  packed.resize(static_cast<std::size_t>(sink.at() - packed.data()));
  return packed;
}

Bytes unpack(ByteView stored) {
  if (!stored.empty() && stored.front() == kMark) {
    if (auto bytes = unpack_all(Source(stored.subspan(1)))) return *std::move(bytes);
  }
  return {stored.begin(), stored.end()};
}

}  // namespace spillway::sqlite
