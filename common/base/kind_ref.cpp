#include "common/base/kind_ref.h"

#include <algorithm>
#include <charconv>

#include "common/base/bundle.h"

namespace spillway {
namespace {

constexpr std::string_view kDigestMark = "@sha256:";
constexpr std::size_t kShown = 64;  // characters of what is wrong

Error bad(std::string_view what, const char* why) {
  return fail(Code::invalid_argument, "kind: '" + std::string(what.substr(0, kShown)) + "' " + why);
}

// All of the text, as a number.
template <class T>
bool read_number(std::string_view text, int base, T& number) {
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number, base);
  return error == std::errc() && at == end;
}

Digest digest_of(std::string_view hex) {
  Digest digest;
  for (std::size_t i = 0; i < digest.size(); ++i) read_number(hex.substr(2 * i, 2), 16, digest[i]);
  return digest;
}

}  // namespace

bool KindRef::satisfies(const KindRef& asked) const {
  return name == asked.name && (asked.version == 0 || asked.version == version) &&
         (asked.digest == Digest{} || asked.digest == digest);
}

// A name of another length differs at a glance, which beats a search by order among dozens.
bool has_kind(std::span<const KindRef> kinds, const KindRef& asked) {
  return std::any_of(kinds.begin(), kinds.end(),
                     [&](const KindRef& one) { return one.satisfies(asked); });
}

std::vector<std::string> names_of(std::span<const KindRef> kinds) {
  std::vector<std::string> names;
  for (const KindRef& kind : kinds) names.push_back(kind.name);
  return names;
}

std::string to_string(const KindRef& kind) {
  std::string text = kind.name;
  if (kind.version != 0) text += "@" + std::to_string(kind.version);
  if (kind.digest != Digest{}) text += std::string(kDigestMark) + to_hex(kind.digest);
  return text;
}

Result<KindRef> parse_kind_ref(std::string_view text) {
  KindRef kind;
  if (const std::size_t mark = text.find(kDigestMark); mark != text.npos) {
    const std::string_view hex = text.substr(mark + kDigestMark.size());
    if (!is_sha256(hex)) return bad(hex, "is not a SHA-256: 64 hexadecimal digits");
    kind.digest = digest_of(hex);
    text = text.substr(0, mark);
  }
  if (const std::size_t mark = text.find('@'); mark != text.npos) {
    const std::string_view version = text.substr(mark + 1);
    if (!read_number(version, 10, kind.version) || kind.version == 0) {
      return bad(version, "is not a version: a whole number from 1");
    }
    text = text.substr(0, mark);
  }
  kind.name = text;
  return kind;
}

}  // namespace spillway
