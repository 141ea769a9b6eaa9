#include "agent/session/device_session.h"

#include "common/wire/codec.h"
#include "common/wire/topics.h"

namespace spillway::agent {
namespace {

std::string topic_of(const std::string& device, wire::Direction direction, wire::Channel channel) {
  return wire::to_string(wire::Topic{device, direction, channel});
}

}  // namespace

DeviceSession::DeviceSession(mqtt::Transport& transport, SessionOptions options,
                             const link::Hooks& hooks, SessionEvents events)
    : options_(std::move(options)),
      events_(std::move(events)),
      state_topic_(topic_of(options_.device, wire::Direction::up, wire::Channel::state)),
      task_topic_(topic_of(options_.device, wire::Direction::up, wire::Channel::task)),
      ack_topic_(topic_of(options_.device, wire::Direction::up, wire::Channel::ack)),
      result_topic_(topic_of(options_.device, wire::Direction::up, wire::Channel::result)),
      telemetry_topic_(topic_of(options_.device, wire::Direction::up, wire::Channel::tel)),
      event_topic_(topic_of(options_.device, wire::Direction::up, wire::Channel::evt)),
      update_topic_(topic_of(options_.device, wire::Direction::up, wire::Channel::ota)),
      reply_topic_(topic_of(options_.device, wire::Direction::up, wire::Channel::rsp)),
      connection_(transport, options_.link,
                  link::Hooks{
                      .now = hooks.now,
                      .random = hooks.random,
                      .wall = hooks.wall,
                      .options = [this] { return connect_options(); },
                      .up = [this] { on_up(); },
                      .down =
                          [this](const Error& reason) {
                            cloud_ = {};
                            events_.down(reason);
                          },
                      .message = [this](const std::string& topic,
                                        Bytes payload) { on_message(topic, std::move(payload)); },
                      .changed = [this] { events_.changed(); },
                  }) {
  std::string any = topic_of(options_.device, wire::Direction::down, wire::Channel::ack);
  down_prefix_ = any.substr(0, any.rfind('/') + 1);
  connection_.set_session_base(options_.session_base);
}

mqtt::ConnectOptions DeviceSession::connect_options() const {
  mqtt::ConnectOptions connect = options_.broker;
  if (connect.client_id.empty()) connect.client_id = options_.device;
  connect.will = mqtt::Will{state_topic_, wire::encode(presence(false)), std::chrono::seconds(0)};
  return connect;
}

wire::Presence DeviceSession::presence(bool online) const {
  wire::Presence presence = self_;
  presence.online = online;
  presence.session = connection_.session();
  return presence;
}

void DeviceSession::on_up() {
  // A refused subscription shows as silence of the cloud's presence; the broker's answer is logged
  // by the transport, and the link is tried again when it drops.
  Status subscribed = connection_.subscribe({down_prefix_ + "#", std::string(wire::kCloudState)});
  if (!subscribed) events_.refused("subscribe", subscribed.error().message);
  Status born = connection_.publish(
      {.topic = state_topic_, .payload = wire::encode(presence(true)), .retained = true});
  if (!born) events_.refused("birth", born.error().message);
  connection_.try_binding(
      topic_of(std::string(wire::kNobody), wire::Direction::up, wire::Channel::evt));
  events_.up();
}

void DeviceSession::stop() {
  if (connection_.up()) {
    wire::Presence goodbye = presence(false);
    goodbye.graceful = true;
    (void)connection_.publish(
        {.topic = state_topic_, .payload = wire::encode(goodbye), .retained = true});
  }
  connection_.stop();
}

bool DeviceSession::send_result(wire::Item item) {
  if (auto failed = link::instead_of(item, connection_.largest_item())) {
    events_.refused("too large a result", failed->message);
    item = *std::move(failed);
  }
  return connection_.send(result_topic_, std::move(item));
}

void DeviceSession::send_telemetry(Bytes frame) {
  if (!up()) return;
  (void)connection_.publish(
      {.topic = telemetry_topic_, .payload = std::move(frame), .qos = 0, .retained = false});
}

void DeviceSession::on_message(const std::string& topic, Bytes payload) {
  if (topic == wire::kCloudState) return on_cloud_state(payload);
  if (topic.compare(0, down_prefix_.size(), down_prefix_) == 0) {
    return on_items(topic, std::move(payload));
  }
  events_.refused("wrong topic", topic);
}

void DeviceSession::on_cloud_state(const Bytes& payload) {
  Result<wire::Presence> presence = wire::decode_presence(payload);
  if (!presence) return events_.refused("malformed presence", presence.error().message);
  // A will that arrives after a newer birth speaks of a session that is over.
  if (!presence->online && presence->session < cloud_.session) return;
  // The same of a cloud whose state was put back: its numbers went back, too.
  const bool other = presence->boot != cloud_.boot;
  const bool old = other && cloud_before_ != BootId{} && presence->boot == cloud_before_;
  if (!presence->online && old) return;
  if (other) cloud_before_ = cloud_.boot;
  cloud_ = *presence;
  connection_.set_floor(
      std::chrono::duration_cast<std::chrono::milliseconds>(cloud_.reconnect_floor));
  events_.cloud(cloud_);
}

void DeviceSession::on_items(const std::string& topic, Bytes payload) {
  Result<wire::Message> message =
      wire::decode_message_in_place(std::make_shared<const Bytes>(std::move(payload)));
  if (!message) return events_.refused("malformed message", topic + ": " + message.error().message);
  for (wire::Item& item : message->items) events_.item(std::move(item));
}

}  // namespace spillway::agent
