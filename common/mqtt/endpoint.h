#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "spillway/status.h"

namespace spillway::mqtt {

// Where a broker listens.
struct Endpoint {
  std::string host;  // a name, an IPv4 or an IPv6 address without brackets
  std::uint16_t port = 0;
  bool tls = false;
};

// mqtts://host[:8883] or mqtt://host[:1883]; an IPv6 address in brackets. Else `invalid_argument`.
Result<Endpoint> parse_endpoint(std::string_view uri);

// host:port, an IPv6 address in brackets.
std::string to_string(const Endpoint& endpoint);

}  // namespace spillway::mqtt
