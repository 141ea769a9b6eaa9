#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "common/link/link.h"
#include "common/mqtt/transport.h"

namespace spillway::link {

// What a node has learned of its broker and keeps from one connection to the next: what the broker
// said when it ended one, by its reason code. Pure; one thread. Nothing of it outlives the process.
class Terms {
 public:
  // The configured options as the broker wants them. Before each attempt.
  mqtt::ConnectOptions apply(mqtt::ConnectOptions configured);
  // What was under way to the broker when it went.
  struct UnderWay {
    std::size_t messages = 0;
    std::size_t largest = 0;  // payload of one of them
  };
  // What the broker granted, of each connection.
  void on_granted(const mqtt::Granted& granted) { maximum_packet_ = granted.maximum_packet; }
  // How soon to come back.
  Pace on_lost(const mqtt::Loss& loss, const UnderWay& under_way);

  const mqtt::ConnectOptions& asked() const { return asked_; }  // by the latest attempt
  std::size_t window() const { return window_; }  // at most so many messages under way
  // Bytes of the largest payload that the broker takes. What it granted last holds until it grants
  // anew.
  std::size_t largest_payload() const;

 private:
  Pace go_elsewhere(const std::string& server);

  mqtt::ConnectOptions asked_;
  std::string elsewhere_;  // instead of the configured uri; empty: there
  std::optional<std::chrono::seconds> keep_alive_;
  std::size_t window_ = SIZE_MAX;
  std::size_t largest_ = mqtt::kMaxPayload;
  std::optional<std::uint32_t> maximum_packet_;
};

}  // namespace spillway::link
