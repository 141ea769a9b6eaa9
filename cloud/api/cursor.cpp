#include "cloud/api/cursor.h"

#include "cloud/http/encoding.h"
#include "common/crypto/mac.h"

namespace spillway::cloud::api {
namespace {

constexpr std::size_t kMac = 16;  // bytes of HMAC-SHA-256 kept

Digest mac_of(ByteView key, std::string_view query, std::string_view position) {
  std::string text = std::to_string(query.size()) + ":";
  text += query;
  text += position;
  return crypto::hmac_sha256(key, as_bytes(text));
}

}  // namespace

std::string sign_cursor(ByteView key, std::string_view query, std::string_view position) {
  Digest mac = mac_of(key, query, position);
  Bytes bytes(mac.begin(), mac.begin() + kMac);
  bytes.insert(bytes.end(), position.begin(), position.end());
  return http::base64url(bytes);
}

Result<std::string> open_cursor(ByteView key, std::string_view query, std::string_view cursor) {
  std::optional<Bytes> bytes = http::from_base64url(cursor);
  if (bytes && bytes->size() >= kMac) {
    std::string position(as_text(ByteView(*bytes).subspan(kMac)));
    Digest mac = mac_of(key, query, position);
    if (crypto::equal_secrets(ByteView(*bytes).first(kMac), ByteView(mac).first(kMac))) {
      return position;
    }
  }
  return fail(Code::invalid_argument,
              "cursor: not one of this list; a cursor belongs to the filters and the sort it came "
              "with, so start again without one");
}

}  // namespace spillway::cloud::api
