#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "spillway/broker.h"
#include "spillway/time.h"

// A connection that is kept up, and a bounded window of publications on it. Pure: it is told the
// time and what the transport reported, and asks for what to do; its owner runs its timer.
namespace spillway::link {

struct LinkPolicy {
  std::chrono::milliseconds backoff_base = BrokerOptions().reconnect_base;
  std::chrono::milliseconds backoff_cap = BrokerOptions().reconnect_cap;
  std::chrono::milliseconds floor{0};  // raised by the cloud's presence
  std::chrono::milliseconds connect_timeout{15'000};
  std::size_t window =
      BrokerOptions().window;  // publications without PUBACK; strictly below the broker's limits
  // Publications out and none acknowledged for so long: reconnect. A dead peer is noticed earlier,
  // by keep-alive; this is for a broker or a client library that lives and does not serve. A slow
  // link needs its time: 64 KiB at 10 kbit/s take 52 s.
  std::chrono::milliseconds publish_stall{60'000};
  // Nothing heard for so long: ask the broker for a sign of life, which has publish_stall's time.
  std::chrono::milliseconds quiet{60'000};
};

LinkPolicy policy_of(const BrokerOptions& broker);

enum class LinkState : std::uint8_t { down, connecting, up };

// How soon to come back: as ever, or not before half of the longest pause, because coming back is
// what the broker does not want, or what would throw out another.
enum class Pace : std::uint8_t { usual, slow };

// The reconnect and window decisions. One thread. Between attempts it waits the floor plus a
// uniformly random part of base * 2^failures, at most cap (full jitter, as in Brooker,
// "Exponential Backoff And Jitter", AWS 2015), so that neither an outage nor a raised floor makes
// a fleet return at one instant. An answer it did not expect is ignored, or undone.
class LinkMachine {
 public:
  explicit LinkMachine(LinkPolicy policy) : policy_(policy) {}

  struct Ask {
    bool connect = false;
    bool disconnect = false;
    bool probe = false;             // for a sign of life
    std::string_view because = {};  // of a disconnect that nobody reported
  };
  Ask start(NodeTime now);
  // `keep_alive`: within what the broker wants to hear from us, when the transport does not see to
  // it; zero: it does.
  Ask on_connected(NodeTime now, Duration keep_alive = Duration::zero());
  Ask on_disconnected(NodeTime now, std::uint64_t random, Pace pace = Pace::usual);
  // The transport says that there is no connection, though it never reported its end.
  void on_missing(NodeTime now);
  // Anything that came from the broker.
  void on_heard(NodeTime now) {
    heard_ = now;
    awaiting_ = false;
  }
  // May be called early, late or without need.
  Ask on_timer(NodeTime now, std::uint64_t random);
  // What kept the node from connecting may be gone: the next attempt comes within the shortest
  // pause.
  void hurry(NodeTime now, std::uint64_t random);
  Ask stop();
  void on_published(NodeTime now);  // a PUBACK
  void on_publish(NodeTime now);    // one that will have a PUBACK
  bool may_publish() const { return state_ == LinkState::up && in_flight_ < window_; }
  void set_floor(std::chrono::milliseconds floor) { policy_.floor = floor; }
  // What this connection's broker allows, from Transport::max_in_flight(); forgotten with it.
  void limit_window(std::size_t broker_allows);

  LinkState state() const { return state_; }
  NodeTime since() const { return since_; }       // of the state
  NodeTime next_timer() const { return timer_; }  // kNever: none
  std::size_t in_flight() const { return in_flight_; }
  std::uint32_t failures() const { return failures_; }  // attempts that failed or did not last

 private:
  void enter(LinkState state, NodeTime now, NodeTime timer);
  Ask connect(NodeTime now);
  void back_off(NodeTime now, std::uint64_t random, Pace pace = Pace::usual);
  // While up.
  std::string_view fault(NodeTime now) const;  // why the connection is as good as gone
  NodeTime next_probe() const;
  NodeTime next_look() const;

  LinkPolicy policy_;
  LinkState state_ = LinkState::down;
  NodeTime since_{};
  NodeTime timer_ = kNever;
  NodeTime progress_{};
  NodeTime heard_{};   // the last of anything
  NodeTime probed_{};  // the first probe since, while awaiting_
  NodeTime said_{};    // the last of what goes out for sure
  Duration keep_alive_{};
  bool awaiting_ = false;
  bool missing_ = false;
  std::size_t window_ = 0;
  std::size_t in_flight_ = 0;
  std::uint32_t failures_ = 0;
  bool stopped_ = true;
};

}  // namespace spillway::link
