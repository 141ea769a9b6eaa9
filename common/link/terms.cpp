#include "common/link/terms.h"

#include <algorithm>

#include "common/mqtt/endpoint.h"
#include "common/mqtt/reason.h"

namespace spillway::link {
namespace {

constexpr std::chrono::seconds kLeastKeepAlive{1};
// Smaller messages than this nothing works with: births, acknowledgements.
constexpr std::size_t kLeastPayload = 1024;

}  // namespace

mqtt::ConnectOptions Terms::apply(mqtt::ConnectOptions configured) {
  if (!elsewhere_.empty()) configured.uri = elsewhere_;
  if (keep_alive_) configured.keep_alive = std::min(configured.keep_alive, *keep_alive_);
  asked_ = configured;
  return configured;
}

std::size_t Terms::largest_payload() const {
  if (!maximum_packet_) return largest_;
  const std::size_t packet = *maximum_packet_;
  return std::min(largest_, packet - std::min(packet, mqtt::kAroundPayload));
}

// `server` is a list, of which the first is taken. The scheme stays, and with TLS the certificate
// must be for the new name; without, whoever spoke could be anybody, so no password goes there.
Pace Terms::go_elsewhere(const std::string& server) {
  if (server.empty() || (!asked_.tls && !asked_.password_file.empty())) return Pace::slow;
  const std::string scheme = asked_.uri.substr(0, asked_.uri.find("://") + 3);
  const std::string uri = scheme + server.substr(0, server.find(' '));
  if (!mqtt::parse_endpoint(uri)) return Pace::slow;
  elsewhere_ = uri;
  return Pace::usual;
}

Pace Terms::on_lost(const mqtt::Loss& loss, const UnderWay& under_way) {
  // No server answers there: back to the configured broker, which says again where to go.
  if (!loss.was_up && loss.reason == 0) elsewhere_.clear();
  switch (loss.reason) {
    case mqtt::reason::kKeepAliveTimeout:
      keep_alive_ = std::max(kLeastKeepAlive, asked_.keep_alive / 2);
      return Pace::usual;
    case mqtt::reason::kReceiveMaximumExceeded:
      window_ = std::max<std::size_t>(1, under_way.messages / 2);
      return Pace::usual;
    case mqtt::reason::kPacketTooLarge:
      if (under_way.largest > kLeastPayload) largest_ = under_way.largest - 1;
      return Pace::usual;
    case mqtt::reason::kUseAnotherServer:
    case mqtt::reason::kServerMoved: return go_elsewhere(loss.server);
    case mqtt::reason::kSessionTakenOver:
    case mqtt::reason::kBanned:
    case mqtt::reason::kQuotaExceeded:
    case mqtt::reason::kAdministrativeAction:
    case mqtt::reason::kConnectionRateExceeded: return Pace::slow;
    default: return Pace::usual;
  }
}

}  // namespace spillway::link
