#include "common/base/utf8.h"

#include <algorithm>

namespace spillway {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool is_space(char c) { return c == '\n' || c == '\t' || c == '\r'; }

}  // namespace

std::size_t utf8_length(std::string_view text) {
  auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned lead = at(0);
  if (lead < 0x80) return 1;
  std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  bool overlong = (lead == 0xe0 && at(1) < 0xa0) || (lead == 0xf0 && at(1) < 0x90);
  bool surrogate = lead == 0xed && at(1) >= 0xa0;
  bool beyond = lead == 0xf4 && at(1) >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool steers(std::string_view sequence) {
  if (sequence.size() == 1) return is_control(sequence[0]);
  const auto within = [&](std::string_view first, std::string_view last) {
    return sequence.size() == first.size() && sequence >= first && sequence <= last;
  };
  return within("\xc2\x80", "\xc2\x9f") || within("\xe2\x80\x8e", "\xe2\x80\x8f") ||
         within("\xe2\x80\xa8", "\xe2\x80\xae") || within("\xe2\x81\xa6", "\xe2\x81\xa9");
}

std::string plain_text(std::string_view text, Lines lines) {
  std::string plain;
  plain.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view one = text.substr(0, std::max<std::size_t>(length, 1));
    if (is_space(one[0])) {
      plain += lines == Lines::keep ? one[0] : ' ';
    } else if (length == 0 || steers(one)) {
      plain += '?';
    } else {
      plain += one;
    }
    text.remove_prefix(one.size());
  }
  return plain;
}

std::string printable(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string safe;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view one = text.substr(0, std::max<std::size_t>(length, 1));
    if (length == 0 || steers(one)) {
      for (char c : one) safe += std::string("\\x") + kHex[(c >> 4) & 15] + kHex[c & 15];
    } else {
      safe += one;
    }
    text.remove_prefix(one.size());
  }
  return safe;
}

}  // namespace spillway
