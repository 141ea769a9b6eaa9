#pragma once

#include <string_view>

#include "spillway/status.h"

namespace spillway {

// The kind by which a device is asked from afar to install firmware; its args: url and sha256.
inline constexpr std::string_view kUpdateKind = "device.update";

// A firmware bundle's source: an absolute path or an https address without control characters.
bool is_bundle_source(std::string_view source);
bool is_sha256(std::string_view text);  // 64 hexadecimal digits

// The bundle that a device may be asked for from afar: an https address with a digest; else
// `invalid_argument`, with what to write instead.
Status check_remote_bundle(std::string_view url, std::string_view sha256);

}  // namespace spillway
