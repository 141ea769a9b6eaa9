#include "common/mqtt/endpoint.h"

#include <algorithm>
#include <charconv>

namespace spillway::mqtt {
namespace {

Error refuse(std::string_view uri, std::string_view why) {
  return fail(Code::invalid_argument, "broker address '" + std::string(uri) +
                                          "': " + std::string(why) +
                                          "; expected mqtts://HOST[:PORT] or mqtt://HOST[:PORT]");
}

bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

bool address_character(char c) { return plain(c) || c == ':' || c == '%'; }

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view uri) {
  Endpoint endpoint;
  std::string_view rest = uri;
  if (rest.starts_with("mqtts://")) {
    endpoint = {"", 8883, true};
  } else if (rest.starts_with("mqtt://")) {
    endpoint = {"", 1883, false};
  } else {
    return refuse(uri, "the scheme is neither mqtts nor mqtt");
  }
  rest.remove_prefix(endpoint.tls ? 8 : 7);
  if (rest.ends_with('/')) rest.remove_suffix(1);

  const bool bracketed = rest.starts_with('[');
  const std::size_t end = bracketed ? rest.find(']') : rest.find(':');
  if (bracketed && end == rest.npos) return refuse(uri, "the bracket is not closed");
  endpoint.host = rest.substr(bracketed ? 1 : 0, bracketed ? end - 1 : end);
  rest.remove_prefix(std::min(rest.size(), bracketed ? end + 1 : end));
  if (endpoint.host.empty() || endpoint.host.size() > 253 ||
      !std::all_of(endpoint.host.begin(), endpoint.host.end(),
                   bracketed ? address_character : plain)) {
    return refuse(uri, "the host is missing or not a name or address");
  }
  if (rest.empty()) return endpoint;
  const auto [stop, error] =
      std::from_chars(rest.data() + 1, rest.data() + rest.size(), endpoint.port);
  if (rest[0] != ':' || error != std::errc() || stop != rest.data() + rest.size() ||
      endpoint.port == 0) {
    return refuse(uri, "the port is not a number from 1 to 65535");
  }
  return endpoint;
}

std::string to_string(const Endpoint& endpoint) {
  const bool bracketed = endpoint.host.find(':') != std::string::npos;
  return (bracketed ? "[" + endpoint.host + "]" : endpoint.host) + ":" +
         std::to_string(endpoint.port);
}

}  // namespace spillway::mqtt
