#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "common/link/link.h"
#include "common/link/pacer.h"
#include "common/link/terms.h"
#include "common/mqtt/grants.h"
#include "common/mqtt/transport.h"
#include "common/threads/door.h"
#include "common/wire/messages.h"
#include "spillway/time.h"

// One node's standing connection to the broker: kept up by LinkMachine, with outgoing items packed
// into messages per topic and published inside the window.
namespace spillway::link {

// What the node gives a connection.
struct Hooks {
  std::function<NodeTime()> now;
  std::function<std::uint64_t()> random;
  std::function<Duration()> wall;
  std::function<mqtt::ConnectOptions()> options;  // asked for before each attempt: wills differ
  std::function<void()> up;
  std::function<void(const Error&)> down;
  std::function<void(const std::string& topic, Bytes payload)> message;
  std::function<void()> changed;  // something to pump or a timer to re-arm
};

struct Traffic {
  std::uint64_t bytes_up = 0;  // payloads; what TLS and MQTT add is not counted
  std::uint64_t bytes_down = 0;
  std::uint64_t messages_up = 0;
  std::uint64_t messages_down = 0;
};

// What is told instead of a result that no message to the other side can carry: the attempt failed,
// and for good. Nothing when it fits in `largest` bytes.
std::optional<wire::ResultItem> instead_of(const wire::Item& item, std::size_t largest);

// Loop only. What is queued when the link goes down is forgotten: the life cycle sends again what
// still matters once it is up. A lane, and all of them together, hold so many bytes; who is refused
// keeps the item where it is stored and tries again once something has left.
class Connection {
 public:
  Connection(mqtt::Transport& transport, link::LinkPolicy policy, Hooks hooks);

  void start();
  // Graceful: the will is not sent. Nothing is reported afterwards.
  void stop();

  static constexpr std::size_t kLaneBytes = 2 << 20;     // of memory, beyond one item
  static constexpr std::size_t kQueuedBytes = 32 << 20;  // of all lanes

  // Queues an item for a topic; false: it is not kept, because there is no room or the link is
  // down. Live items go ahead of a backlog, which yet gets a part of the turns.
  bool send(const std::string& topic, wire::Item item, Urgency urgency = Urgency::live);
  // Whether nothing that was sent there waits, or is on its way to the broker.
  bool quiet(const std::string& topic, Urgency urgency = Urgency::live) const;
  std::size_t queued() const { return queued_; }  // bytes
  // Publishes at once, ahead of the queues, e.g. a birth. unavailable: the link is down; else as
  // Transport::publish().
  Status publish(mqtt::Publication publication, Urgency urgency = Urgency::live);
  // Only while up; errors as Transport::subscribe().
  Status subscribe(std::vector<std::string> filters);
  // Tries, once in its life, whether the broker lets this client speak where it must not.
  void try_binding(const std::string& topic);
  // Packs and publishes what the window allows: full messages always; a message that could still
  // fill goes at once while few are in flight, so a lone item never waits and a busy link batches.
  void pump();
  void on_timer();
  void hurry() { link_.hurry(hooks_.now(), hooks_.random()); }
  NodeTime next_timer() const;
  // Bytes per second that may be sent; 0: no limit.
  void set_rate(std::uint64_t bytes_per_second) { pacer_.set_rate(bytes_per_second); }

  bool up() const { return link_.state() == link::LinkState::up; }
  const link::LinkMachine& link() const { return link_; }
  void set_floor(std::chrono::milliseconds floor) { link_.set_floor(floor); }
  // The number of the latest connection, or attempt at one; grows by one with each.
  std::uint64_t session() const { return session_; }
  // Sessions are numbered from here, above all earlier starts of this node.
  void set_session_base(std::uint64_t base) { session_ = base; }
  // Bytes of an item that the broker takes in a message. Larger ones are dropped: whoever sends one
  // looks first.
  std::size_t largest_item() const;
  // What the broker granted, and whether it binds names; empty while it is down.
  std::vector<BrokerTerm> broker_terms() const;
  const Traffic& traffic() const { return traffic_; }
  const std::string& last_problem() const { return last_problem_; }

 private:
  struct Lane {
    std::deque<wire::Item> items;
    std::size_t bytes = 0;   // as they will be encoded, at most
    std::size_t memory = 0;  // bytes as they are held
  };
  void apply(link::LinkMachine::Ask ask);
  void on_connected();
  void on_disconnected(const mqtt::Loss& loss);
  void probe();
  using LaneKey = std::pair<Urgency, std::string>;  // live ones first
  using Lanes = std::map<LaneKey, Lane>;

  std::size_t most(Urgency urgency) const;
  bool full(const LaneKey& key, const Lane& lane) const;
  bool may_publish(Urgency urgency) const;
  bool is_eager(const LaneKey& key, const Lane& lane) const;
  bool serve(Lanes::iterator lane, bool partial);
  void serve_from(Lanes::iterator lane, Lanes::iterator end, bool partial);
  bool publish_one(const LaneKey& key, Lane& lane);
  wire::Message pack(Lane& lane, std::size_t most);
  void forget_queue();
  // The topic as the broker knows it.
  std::string outside(const std::string& topic) const;
  void on_message(std::string topic, Bytes payload);
  void land();

  mqtt::Transport& transport_;
  Hooks hooks_;
  link::LinkMachine link_;
  link::Terms terms_;
  link::LinkPolicy policy_;
  mqtt::Binding binding_ = mqtt::Binding::unknown;
  bool tried_ = false;
  Lanes lanes_;             // only those with items
  std::size_t queued_ = 0;  // bytes of memory in them
  Pacer pacer_;
  Flight flight_;
  std::deque<LaneKey> flying_;  // of the messages without an acknowledgement, oldest first
  std::map<LaneKey, unsigned> flying_by_;  // the same, counted
  LaneKey served_last_;                    // by a message that was not full
  unsigned live_in_a_row_ = 0;             // messages sent while a backlog waited
  std::uint64_t session_ = 0;
  std::uint64_t seq_ = 0;
  Traffic traffic_;
  std::string last_problem_;
  threads::Door door_{"link::Connection"};
};

}  // namespace spillway::link
