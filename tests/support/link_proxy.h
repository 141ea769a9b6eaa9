#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "spillway/status.h"

namespace spillway::test {

// How a link treats one direction.
struct LinkShape {
  std::chrono::milliseconds delay{0};  // one way
  std::int64_t bits_per_second = -1;   // shared by all connections; 0: nothing moves; -1: no limit
};

// One line of a link trace: from `at` on, until the next.
struct LinkSample {
  std::chrono::milliseconds at{0};
  LinkShape shape;  // of each direction
};

// Reads t_s,capacity_kbit_s,rtt_ms,loss_pct. Loss is not carried over: TCP turns it into less
// capacity, which the trace has measured.
Result<std::vector<LinkSample>> read_link_trace(const std::string& path);

// A TCP proxy between two ports of 127.0.0.1 that behaves like a link one can cut, on a thread of
// its own. Every method may be called from any thread, and has taken effect when it returns.
class LinkProxy {
 public:
  // Listens on `port`, or on a free one.
  static Result<LinkProxy> start(std::uint16_t target_port, std::uint16_t port = 0);
  ~LinkProxy();
  LinkProxy(LinkProxy&&) noexcept;
  LinkProxy& operator=(LinkProxy&&) = delete;

  std::uint16_t port() const;

  // Resets every connection and refuses new ones.
  void cut();
  // Moves nothing, and tells nobody: connections stay open on both ends and go nowhere.
  void freeze();
  // Ends both. What a frozen connection still had to carry goes on.
  void heal();
  void shape(LinkShape up, LinkShape down);
  // Follows a trace from its beginning, `speed` times as fast; it begins again at its end.
  void follow(std::vector<LinkSample> trace, double speed = 1.0);

  std::uint64_t bytes_up() const;    // delivered to the target
  std::uint64_t bytes_down() const;  // delivered to the clients
  std::size_t connections() const;   // open now
  std::size_t accepted() const;      // ever

  struct State;

 private:
  explicit LinkProxy(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace spillway::test
