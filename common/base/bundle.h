#pragma once

#include <string_view>

#include "spillway/status.h"

namespace spillway {

// The kind by which a device is asked from afar to install firmware; its args: url and sha256.
inline constexpr std::string_view kUpdateKind = "device.update";

// Of a firmware bundle: an absolute path or an https address without control characters.
bool is_bundle_source(std::string_view source);
bool is_sha256(std::string_view text);  // 64 hexadecimal digits

// What may be asked of a device from afar: `invalid_argument`, with what to write instead, unless
// it is an https address with a digest.
Status check_remote_bundle(std::string_view url, std::string_view sha256);

}  // namespace spillway
