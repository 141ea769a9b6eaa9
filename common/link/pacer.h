#pragma once

#include <array>
#include <cstdint>
#include <deque>

#include "spillway/time.h"

// How fast a connection sends: never faster than it may, and what can wait never so much at once
// that what cannot wait queues up behind it. Pure; one thread.
namespace spillway::link {

// Whether an item is of the present, or of a backlog that fills what is left.
enum class Urgency : std::uint8_t { live, backlog };

// A rate in bytes per second, kept over any second or longer: a message may begin while nothing is
// owed, and is owed in full.
class Pacer {
 public:
  // 0: no limit.
  void set_rate(std::uint64_t bytes_per_second) { rate_ = bytes_per_second; }
  std::uint64_t rate() const { return rate_; }
  bool may_send(NodeTime now) const { return rate_ == 0 || now >= free_at_; }
  void on_sent(NodeTime now, std::uint64_t bytes);
  // When may_send is true again.
  NodeTime free_at() const { return rate_ == 0 ? NodeTime{} : free_at_; }

 private:
  std::uint64_t rate_ = 0;
  NodeTime free_at_{};
};

// The bytes under way to the broker, measured by its acknowledgements: those of the backlog are
// kept to about half more than what the link holds, so that its queue and that of the other way
// together never double the time a live message takes. (Largest delivery rate and smallest round
// trip of the last seconds, as in Cardwell et al., "BBR", ACM Queue 2016.)
class Flight {
 public:
  void on_sent(NodeTime now, std::uint64_t bytes);
  void on_acknowledged(NodeTime now);
  void clear();

  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t largest() const;  // of one message
  // Bytes that may be under way before more of the backlog is sent.
  std::uint64_t room(NodeTime now) const;

 private:
  struct Sent {
    NodeTime at;
    std::uint64_t bytes;
    std::uint64_t delivered;  // before it, in all
  };
  void turn_over(NodeTime now);

  std::deque<Sent> sent_;
  std::uint64_t bytes_ = 0;
  std::uint64_t delivered_ = 0;
  std::array<double, 2> rates_{};  // largest of this span of time and of the one before, bytes/s
  NodeTime span_began_{};
  // Shortest of this connection: with a backlog under way, later ones have its queue in them.
  Duration round_trip_ = Duration::max();
};

}  // namespace spillway::link
