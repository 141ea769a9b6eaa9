#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/mqtt/transport.h"
#include "spillway/time.h"

// A connection that is kept up, and a bounded window of publications on it. Pure: it is told the
// time and what the transport reported, and asks for what to do; Link's owner runs its timer.
namespace spillway::mqtt {

struct LinkPolicy {
  std::chrono::milliseconds backoff_base{250};
  std::chrono::milliseconds backoff_cap{30'000};
  std::chrono::milliseconds floor{0};  // raised by the cloud's presence
  std::chrono::milliseconds connect_timeout{15'000};
  std::size_t window = 128;  // publications without PUBACK; strictly below the broker's limits
  std::chrono::milliseconds publish_stall{
      5'000};  // window full and nothing acknowledged: reconnect
};

enum class LinkState : std::uint8_t { down, connecting, up };

// The reconnect and window decisions. One thread. Full jitter between attempts, never below the
// floor.
class LinkMachine {
 public:
  explicit LinkMachine(LinkPolicy policy) : policy_(policy) {}

  struct Ask {
    bool connect = false;
    bool disconnect = false;
  };
  Ask start(NodeTime now);
  Ask on_connected(NodeTime now);
  Ask on_disconnected(NodeTime now, std::uint64_t random);
  Ask on_timer(NodeTime now, std::uint64_t random);
  Ask stop();
  void on_published(NodeTime now);  // a PUBACK
  void on_publish(NodeTime now);
  bool may_publish() const;  // up, and a place in the window
  void set_floor(std::chrono::milliseconds floor) { policy_.floor = floor; }

  LinkState state() const { return state_; }
  NodeTime since() const { return since_; }       // of the state
  NodeTime next_timer() const { return timer_; }  // kNever: none
  std::size_t in_flight() const { return in_flight_; }
  std::uint32_t failures() const { return failures_; }  // in a row

 private:
  LinkPolicy policy_;
  LinkState state_ = LinkState::down;
  NodeTime since_{};
  NodeTime timer_ = kNever;
  NodeTime progress_{};
  std::size_t in_flight_ = 0;
  std::uint32_t failures_ = 0;
  bool stopped_ = true;
};

}  // namespace spillway::mqtt
