#pragma once

#include <functional>
#include <string>

#include "common/link/connection.h"
#include "common/mqtt/transport.h"
#include "common/wire/messages.h"

// A device's conversation with the cloud: its birth and will, the cloud's presence, and items each
// way.
namespace spillway::agent {

struct SessionOptions {
  std::string device;
  mqtt::ConnectOptions broker;  // the will is set here; so is the client id, when it is empty
  link::LinkPolicy link;
  std::uint64_t session_base = 0;  // above every session number of earlier starts
};

// What the session tells the node, on the loop.
struct SessionEvents {
  std::function<void()> up;
  std::function<void(const Error&)> down;
  std::function<void(const wire::Presence&)> cloud;  // also when it went
  std::function<void(wire::Item)> item;
  // A message that was not taken: counted by its cause, e.g. "malformed", "wrong topic".
  std::function<void(const std::string& cause, const std::string& detail)> refused;
  std::function<void()> changed;
};

// Loop only.
class DeviceSession {
 public:
  // `hooks` needs now, random and wall; the rest is the session's.
  DeviceSession(mqtt::Transport& transport, SessionOptions options, const link::Hooks& hooks,
                SessionEvents events);

  // What the device says of itself at each birth; without session and online.
  void describe(wire::Presence presence) { self_ = std::move(presence); }
  void start() { connection_.start(); }
  // Says goodbye (retained, graceful) and disconnects.
  void stop();

  // False: there is no room, or no link; the item is not kept.
  bool send_task(wire::Item item, link::Urgency urgency = link::Urgency::live) {
    return connection_.send(task_topic_, std::move(item), urgency);
  }
  bool send_event(wire::Item item) {
    return connection_.send(event_topic_, std::move(item), link::Urgency::backlog);
  }
  bool send_ack(wire::Item item) { return connection_.send(ack_topic_, std::move(item)); }
  bool send_update(wire::Item item) { return connection_.send(update_topic_, std::move(item)); }
  bool send_reply(wire::Item item) { return connection_.send(reply_topic_, std::move(item)); }
  bool send_result(wire::Item item);
  // Whether all that was sent there has reached the broker.
  bool tasks_left(link::Urgency urgency) const { return connection_.quiet(task_topic_, urgency); }
  bool results_left() const { return connection_.quiet(result_topic_); }
  // At most once: with QoS 0, outside the window, and not while the link is down.
  void send_telemetry(Bytes frame);

  bool up() const { return connection_.up(); }
  bool cloud_online() const { return up() && cloud_.online; }
  link::Connection& connection() { return connection_; }
  const link::Connection& connection() const { return connection_; }

 private:
  mqtt::ConnectOptions connect_options() const;
  wire::Presence presence(bool online) const;
  void on_up();
  void on_message(const std::string& topic, Bytes payload);
  void on_cloud_state(const Bytes& payload);
  void on_items(const std::string& topic, Bytes payload);

  SessionOptions options_;
  SessionEvents events_;
  std::string state_topic_, task_topic_, ack_topic_, result_topic_, telemetry_topic_, event_topic_,
      update_topic_, reply_topic_, down_prefix_;
  wire::Presence self_;
  wire::Presence cloud_;
  BootId cloud_before_;  // the one that it had before
  link::Connection connection_;
};

}  // namespace spillway::agent
