#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>

#include "common/mqtt/link.h"
#include "common/mqtt/transport.h"
#include "common/wire/messages.h"
#include "spillway/time.h"

// One node's standing connection to the broker: kept up by LinkMachine, with outgoing items packed
// into messages per topic and published inside the window.
namespace spillway::session {

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

// Loop only. What is queued when the link goes down is forgotten: the life cycle sends again what
// still matters once it is up.
class Connection {
 public:
  Connection(mqtt::Transport& transport, mqtt::LinkPolicy policy, Hooks hooks);

  void start();
  // Graceful: the will is not sent. Nothing is reported afterwards.
  void stop();

  // Queues an item for a topic. Nothing is kept while the link is down.
  void send(const std::string& topic, wire::Item item);
  // Publishes at once, ahead of the queues, e.g. a birth.
  Status publish(mqtt::Publication publication);
  Status subscribe(const std::vector<std::string>& filters) {
    return transport_.subscribe(filters);
  }
  // Packs and publishes what the window allows: full messages always; a message that could still
  // fill goes at once while few are in flight, so a lone item never waits and a busy link batches.
  void pump();
  void on_timer();
  NodeTime next_timer() const { return link_.next_timer(); }

  bool up() const { return link_.state() == mqtt::LinkState::up; }
  const mqtt::LinkMachine& link() const { return link_; }
  void set_floor(std::chrono::milliseconds floor) { link_.set_floor(floor); }
  // Of the current or next connection; grows by one with each.
  std::uint64_t session() const { return session_; }
  // Sessions are numbered from here, above all earlier starts of this node.
  void set_session_base(std::uint64_t base) { session_ = base; }
  const Traffic& traffic() const { return traffic_; }
  const std::string& last_problem() const { return last_problem_; }

 private:
  struct Lane {
    std::deque<wire::Item> items;
    std::size_t bytes = 0;
  };
  void apply(mqtt::LinkMachine::Ask ask);
  void on_connected();
  void on_disconnected(Error reason);
  bool full(const Lane& lane) const;
  bool publish_one(const std::string& topic, Lane& lane);
  wire::Message pack(Lane& lane);

  mqtt::Transport& transport_;
  Hooks hooks_;
  mqtt::LinkMachine link_;
  std::map<std::string, Lane> lanes_;  // only those with items
  std::uint64_t session_ = 0;
  std::uint64_t seq_ = 0;
  Traffic traffic_;
  std::string last_problem_;
};

}  // namespace spillway::session
