#include "common/base/bundle.h"

#include <algorithm>
#include <string>

namespace spillway {
namespace {

constexpr std::size_t kMaxSource = 1024;
constexpr std::string_view kRemote = "https://";

}  // namespace

bool is_bundle_source(std::string_view source) {
  if (source.size() > kMaxSource) return false;
  if (!source.starts_with(kRemote) && !source.starts_with('/')) return false;
  return std::none_of(source.begin(), source.end(),
                      [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool is_sha256(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

Status check_remote_bundle(std::string_view url, std::string_view sha256) {
  const bool remote = url.starts_with(kRemote) && url.size() > kRemote.size();
  if (remote && is_bundle_source(url) && is_sha256(sha256)) return {};
  return fail(
      Code::invalid_argument,
      "device.update takes url=https://… of the signed bundle, at most 1024 characters, and "
      "sha256=… of it, 64 hexadecimal digits");
}

}  // namespace spillway
