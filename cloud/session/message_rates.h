#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "common/wire/topics.h"
#include "spillway/time.h"

namespace spillway::cloud {

// How many messages a device may send of each class: far more than any device does, and too few to
// keep the cloud busy with one of them. What is beyond is not looked at; the life cycle sends again
// what matters. Pure; one thread.
class MessageRates {
 public:
  struct Limit {
    double per_second = 0, burst = 0;
  };
  // Of what tasks need: offers, acknowledgements and results, up to 64 in a message.
  static constexpr Limit kWork{5'000, 20'000};
  static constexpr Limit kPresence{2, 120};
  static constexpr Limit kTelemetry{50, 500};
  static constexpr Limit kOther{20, 400};  // losses, updates and replies
  static Limit limit_of(wire::Channel channel);

  // Whether one more may be taken up.
  bool take(const std::string& device, wire::Channel channel, NodeTime now);
  std::uint64_t refused() const { return refused_; }

 private:
  struct Bucket {
    double used = 0;  // messages, leaking away
    NodeTime at{};
  };
  static constexpr std::size_t kChannels = static_cast<std::size_t>(wire::Channel::rpc) + 1;

  std::unordered_map<std::string, std::array<Bucket, kChannels>> devices_;
  std::uint64_t refused_ = 0;
};

}  // namespace spillway::cloud
