#include "common/sqlite/log_file.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <vector>

#include "common/sqlite/disk_plan.h"

namespace spillway::sqlite {
namespace {

constexpr std::size_t kHeader = 32, kFrameHeader = kLogFrameBytes - kPageBytes;
constexpr std::uint32_t kMagic = 0x377f0682;  // its last bit: sums are of big-endian words
constexpr std::uint32_t kVersion = 3007000;

using Header = std::array<unsigned char, kHeader>;

std::uint32_t big_endian(const unsigned char* at) {
  return std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 |
         std::uint32_t{at[3]};
}

std::uint32_t little_endian(const unsigned char* at) {
  return std::uint32_t{at[3]} << 24 | std::uint32_t{at[2]} << 16 | std::uint32_t{at[1]} << 8 |
         std::uint32_t{at[0]};
}

// The log's running checksum.
struct Sum {
  std::uint32_t first = 0, second = 0;

  Sum over(const unsigned char* at, std::size_t bytes, bool big) const {
    const auto word = big ? big_endian : little_endian;
    Sum sum = *this;
    for (std::size_t i = 0; i < bytes; i += 8) {
      sum.first += word(at + i) + sum.second;
      sum.second += word(at + i + 4) + sum.first;
    }
    return sum;
  }
  static Sum stored(const unsigned char* at) { return {big_endian(at), big_endian(at + 4)}; }
  bool operator==(const Sum&) const = default;
};

struct Frame {
  std::array<unsigned char, kFrameHeader> header{};
  std::vector<unsigned char> page = std::vector<unsigned char>(kPageBytes);

  bool read(std::ifstream& file) {
    return bool(file.read(reinterpret_cast<char*>(header.data()), kFrameHeader)) &&
           bool(file.read(reinterpret_cast<char*>(page.data()), kPageBytes));
  }
  bool is_of(const unsigned char* salts) const { return std::equal(salts, salts + 8, &header[8]); }
  std::uint32_t number() const { return big_endian(&header[0]); }  // of the page
  Sum sum() const { return Sum::stored(&header[16]); }
  bool follows(const Frame& before, bool big) const {
    if (number() == 0) return false;  // of zeros the sum is zero, too
    const Sum sum_then = before.sum().over(header.data(), 8, big);
    return is_of(&before.header[8]) && sum() == sum_then.over(page.data(), kPageBytes, big);
  }
};

bool read_header(std::ifstream& file, Header& header) {
  return bool(file.read(reinterpret_cast<char*>(header.data()), kHeader));
}

bool is_sound(const Header& header) {
  const std::uint32_t magic = big_endian(&header[0]);
  return (magic & ~1U) == kMagic && big_endian(&header[4]) == kVersion &&
         Sum().over(header.data(), 24, (magic & 1) != 0) == Sum::stored(&header[24]);
}

}  // namespace

LogPages pages_of_log(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Header header{};
  LogPages all;
  if (!read_header(file, header)) return all;
  bool first = false;
  // Frames of another generation have other salts.
  for (Frame frame; frame.read(file) && frame.is_of(&header[16]);) {
    first = first || frame.number() == 1;
    const std::uint32_t committed = big_endian(&frame.header[4]);
    if (committed == 0) continue;
    constexpr std::uint32_t kMost = std::numeric_limits<std::int32_t>::max();
    all = {std::min(committed, kMost), first};
  }
  return all;
}

bool has_lost_header(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Header header{};
  if (!read_header(file, header) || is_sound(header)) return false;
  // The first frame may have gone with the header: they share a page of the disk.
  Frame before, frame;
  for (int n = 0; n < 4 && frame.read(file); ++n) {
    if (n > 0 && (frame.follows(before, false) || frame.follows(before, true))) return true;
    before = frame;
  }
  return false;
}

}  // namespace spillway::sqlite
