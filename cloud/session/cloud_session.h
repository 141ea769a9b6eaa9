#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "cloud/session/message_rates.h"
#include "common/link/births.h"
#include "common/link/connection.h"
#include "common/mqtt/transport.h"
#include "common/wire/messages.h"
#include "common/wire/topics.h"

// The cloud's conversation with its devices: who is there, and items each way.
namespace spillway::cloud {

struct SessionOptions {
  std::string client_id = "cloud";
  // The shard this session serves; none: all of them, while the aggregator is alone.
  std::optional<unsigned> shard;
  mqtt::ConnectOptions broker;
  link::LinkPolicy link;
  std::uint64_t session_base = 0;
  MessageRates::Limits limits = MessageRates::limits(10'000);  // of each device
};

struct SessionEvents {
  std::function<void()> up;
  std::function<void(const Error&)> down;
  std::function<void(const std::string& device, const wire::Presence&)> device;
  std::function<void(const std::string& device, wire::Item)> item;
  // For whoever watches the fleet: every valid state as it came, late ones too, and measurements
  // as they came. With a sign several may speak as the device, in turn, and what it says of its
  // store may be of another's than what was heard before.
  std::function<void(const std::string& device, const wire::Presence&, link::Births::Sign)> state =
      {};
  std::function<void(const std::string& device, ByteView frame)> telemetry = {};
  // At each birth that shows again that several processes speak as the device.
  std::function<void(const std::string& device, const wire::Presence&)> cloned = {};
  // The device sent more than it may: the message, or the rest of it, was not looked at. Called for
  // each.
  std::function<void(const std::string& device)> flooding = {};
  std::function<void(const std::string& cause, const std::string& detail)> refused;
  std::function<void()> changed;
};

// Loop only.
class CloudSession {
 public:
  CloudSession(mqtt::Transport& transport, SessionOptions options, const link::Hooks& hooks,
               SessionEvents events);

  void describe(wire::Presence presence) { self_ = std::move(presence); }
  // Tells all devices anew how soon they may reconnect.
  void set_floor(Duration floor);
  void set_limits(const MessageRates::Limits& limits) { rates_.set_limits(limits); }
  void start() { connection_.start(); }
  void stop();

  // False: there is no room, or no link; the item is not kept.
  bool send_task(const std::string& device, wire::Item item);
  bool send_ack(const std::string& device, wire::Item item);
  bool send_command(const std::string& device, wire::Item item);
  bool send_result(const std::string& device, wire::Item item);
  // Messages, or their rests, of those that sent too many.
  std::uint64_t flooded() const { return rates_.refused(); }
  // Whether all that was sent to the device there has reached the broker.
  bool has_left(const std::string& device, wire::Channel channel) const;

  bool up() const { return connection_.up(); }
  link::Connection& connection() { return connection_; }
  const link::Connection& connection() const { return connection_; }

 private:
  mqtt::ConnectOptions connect_options() const;
  wire::Presence presence(bool online) const;
  bool send_down(const std::string& device, wire::Channel channel, wire::Item item);
  void on_up();
  void on_message(const std::string& topic, Bytes payload);
  void on_wrong_topic(const std::string& topic);
  void on_device_state(const std::string& device, const Bytes& payload);

  SessionOptions options_;
  SessionEvents events_;
  wire::Presence self_;
  struct Birth {
    BootId boot, before;
    std::uint64_t session = 0;
    link::Births births;
    std::uint32_t cloned = 0;  // signs of it, since it was last beyond doubt
  };
  void tell_cloned(const std::string& device, const wire::Presence& said, Birth& born);
  std::map<std::string, Birth> born_;  // the latest of each device
  std::function<NodeTime()> now_;
  MessageRates rates_;
  link::Connection connection_;
};

}  // namespace spillway::cloud
