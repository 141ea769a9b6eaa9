#include "common/config/broker_section.h"

#include <charconv>
#include <string_view>

#include "common/base/utf8.h"

namespace spillway::config {
namespace {

using namespace std::chrono_literals;

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port != 0;
}

// host:port or [address]:port, nothing else: no user, path or spaces.
bool is_authority(std::string_view text) {
  std::size_t colon = text.rfind(':');
  if (colon == text.npos || !is_port(text.substr(colon + 1))) return false;
  std::string_view host = text.substr(0, colon);
  bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  constexpr std::string_view kForbidden = "/@?#[] \t\"\\";
  return !host.empty() && host.size() <= 253 && host.find_first_of(kForbidden) == host.npos &&
         (bracketed || host.find(':') == host.npos);
}

void check_uri(Section& section, BrokerOptions& broker) {
  if (broker.uri.empty()) return;
  bool tls = broker.uri.starts_with("mqtts://");
  bool plain = broker.uri.starts_with("mqtt://");
  std::string_view rest = std::string_view(broker.uri).substr(tls ? 8 : plain ? 7 : 0);
  if ((!tls && !plain) || !is_authority(rest)) {
    section.refuse("uri", "must be mqtts://host:port, or mqtt://host:port without TLS");
  }
  const std::pair<const char*, std::string&> files[] = {
      {"ca", broker.ca}, {"cert", broker.cert}, {"key", broker.key}};
  // With a password no certificate is needed.
  const bool by_password =
      !broker.password_file.empty() && broker.cert.empty() && broker.key.empty();
  for (const auto& [name, file] : files) {
    if (by_password && &file != &broker.ca) continue;
    if (tls && file.empty()) section.refuse(name, "must name a PEM file, because uri is mqtts://");
    if (plain && section.has(name) && !file.empty()) {
      section.refuse(name, "has no effect: uri is mqtt://, without TLS");
    }
    if (plain) file.clear();
  }
}

void check_names(Section& section, const BrokerOptions& broker) {
  // Control characters: MQTT forbids U+0000, and brokers may end the connection for others.
  const auto bad = [](std::string_view text, std::string_view forbidden, std::size_t most) {
    return text.size() > most || text.find_first_of(forbidden) != text.npos ||
           plain_text(text) != text;
  };
  if (bad(broker.username, "", 256)) {
    section.refuse("username", "at most 256 bytes, without control characters");
  }
  if (bad(broker.client_id, "+#/ ", 128)) {
    section.refuse("client_id",
                   "at most 128 bytes, without blanks, control characters, '+', '#' and '/'");
  }
  const std::string& prefix = broker.topic_prefix;
  if (bad(prefix, "+# $", 64)) {
    section.refuse("topic_prefix",
                   "at most 64 bytes, without blanks, control characters, '+', '#' and '$'");
  } else if (!prefix.empty() && ("/" + prefix + "/").find("//") != prefix.npos) {
    section.refuse("topic_prefix", "no '/' at either end, and no two in a row");
  }
  if (bad(broker.alpn, "", 255)) {
    section.refuse("alpn", "at most 255 bytes, without control characters");
  }
  if (!broker.alpn.empty() && broker.uri.starts_with("mqtt://")) {
    section.refuse("alpn", "has no effect without mqtts://");
  }
}

}  // namespace

void check_broker(Section section, BrokerOptions& broker) {
  check_uri(section, broker);
  check_names(section, broker);
  if (broker.reconnect_cap < broker.reconnect_base) {
    section.refuse("reconnect_cap", "must not be below reconnect_base");
  }
  if (broker.keep_alive % 1s != 0s) section.refuse("keep_alive", "must be whole seconds");
}

}  // namespace spillway::config
