#include "cloud/session/message_rates.h"

#include <algorithm>

namespace spillway::cloud {

MessageRates::Limit MessageRates::limit_of(wire::Channel channel) {
  switch (channel) {
    case wire::Channel::task:
    case wire::Channel::ack:
    case wire::Channel::result: return kWork;
    case wire::Channel::state: return kPresence;
    case wire::Channel::tel: return kTelemetry;
    default: return kOther;
  }
}

bool MessageRates::take(const std::string& device, wire::Channel channel, NodeTime now) {
  const Limit limit = limit_of(channel);
  Bucket& bucket = devices_[device][static_cast<std::size_t>(channel)];
  const double passed = double((now - bucket.at).count()) / 1e6;
  bucket.used = std::max(0.0, bucket.used - std::max(0.0, passed) * limit.per_second);
  bucket.at = now;
  if (bucket.used + 1 > limit.burst) {
    refused_ += 1;
    return false;
  }
  bucket.used += 1;
  return true;
}

}  // namespace spillway::cloud
