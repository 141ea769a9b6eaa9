#include "cloud/session/cloud_session.h"

#include <cstdio>

#include "common/wire/codec.h"
#include "common/wire/topics.h"

namespace spillway::cloud {
namespace {

constexpr std::uint32_t kTellEvery = 100;  // births of a cloned identity

std::string filter_of(std::optional<unsigned> shard) {
  if (!shard) return "spw/1/+/+/up/#";
  char filter[32];
  std::snprintf(filter, sizeof filter, "spw/1/%02x/+/up/#", *shard);
  return filter;
}

}  // namespace

CloudSession::CloudSession(mqtt::Transport& transport, SessionOptions options,
                           const link::Hooks& hooks, SessionEvents events)
    : options_(std::move(options)),
      events_(std::move(events)),
      now_(hooks.now),
      rates_(options_.limits),
      connection_(transport, options_.link,
                  link::Hooks{
                      .now = hooks.now,
                      .random = hooks.random,
                      .wall = hooks.wall,
                      .options = [this] { return connect_options(); },
                      .up = [this] { on_up(); },
                      .down = [this](const Error& reason) { events_.down(reason); },
                      .message = [this](const std::string& topic,
                                        Bytes payload) { on_message(topic, std::move(payload)); },
                      .changed = [this] { events_.changed(); },
                  }) {
  connection_.set_session_base(options_.session_base);
}

mqtt::ConnectOptions CloudSession::connect_options() const {
  mqtt::ConnectOptions connect = options_.broker;
  if (connect.client_id.empty()) connect.client_id = options_.client_id;
  if (options_.shard) connect.client_id += "-" + std::to_string(*options_.shard);
  connect.clean_start = false;  // a fixed, persistent session: take-over keeps order
  connect.session_expiry = std::chrono::hours(1);
  // Long enough for a restart to come back before devices are told that the cloud went.
  connect.will = mqtt::Will{std::string(wire::kCloudState), wire::encode(presence(false)),
                            std::chrono::seconds(2)};
  return connect;
}

wire::Presence CloudSession::presence(bool online) const {
  wire::Presence presence = self_;
  presence.online = online;
  presence.session = connection_.session();
  return presence;
}

void CloudSession::on_up() {
  Status subscribed = connection_.subscribe({filter_of(options_.shard)});
  if (!subscribed) events_.refused("subscribe", subscribed.error().message);
  Status born = connection_.publish({.topic = std::string(wire::kCloudState),
                                     .payload = wire::encode(presence(true)),
                                     .retained = true});
  if (!born) events_.refused("birth", born.error().message);
  connection_.try_binding(
      wire::to_string({std::string(wire::kNobody), wire::Direction::up, wire::Channel::evt}));
  events_.up();
}

void CloudSession::set_floor(Duration floor) {
  if (std::exchange(self_.reconnect_floor, floor) == floor || !connection_.up()) return;
  Status told = connection_.publish({.topic = std::string(wire::kCloudState),
                                     .payload = wire::encode(presence(true)),
                                     .retained = true});
  if (!told) events_.refused("floor", told.error().message);
}

void CloudSession::stop() {
  if (connection_.up()) {
    wire::Presence goodbye = presence(false);
    goodbye.graceful = true;
    (void)connection_.publish({.topic = std::string(wire::kCloudState),
                               .payload = wire::encode(goodbye),
                               .retained = true});
  }
  connection_.stop();
}

bool CloudSession::send_down(const std::string& device, wire::Channel channel, wire::Item item) {
  return connection_.send(wire::to_string({device, wire::Direction::down, channel}),
                          std::move(item));
}

bool CloudSession::send_task(const std::string& device, wire::Item item) {
  return send_down(device, wire::Channel::task, std::move(item));
}

bool CloudSession::send_ack(const std::string& device, wire::Item item) {
  return send_down(device, wire::Channel::ack, std::move(item));
}

bool CloudSession::send_command(const std::string& device, wire::Item item) {
  return send_down(device, wire::Channel::rpc, std::move(item));
}

bool CloudSession::send_result(const std::string& device, wire::Item item) {
  if (auto failed = link::instead_of(item, connection_.largest_item())) {
    events_.refused("too large a result", device + ": " + failed->message);
    item = *std::move(failed);
  }
  return send_down(device, wire::Channel::result, std::move(item));
}

bool CloudSession::has_left(const std::string& device, wire::Channel channel) const {
  return connection_.quiet(wire::to_string({device, wire::Direction::down, channel}));
}

// The broker's list binds the name in it to who sent it, and that one is charged for it.
void CloudSession::on_wrong_topic(const std::string& topic) {
  const std::string device = wire::device_named_in(topic);
  if (!device.empty() && !rates_.take(device, wire::Channel::rsp, now_())) {
    if (events_.flooding) events_.flooding(device);
    return;
  }
  events_.refused("wrong topic", topic);
}

// All that comes in is hostile. In this order: whose it is, by a topic that the broker binds to its
// sender; whether that one may say more on this channel; what it says. Items count one by one, and
// those beyond the rate are not looked at. What is wrong is reported and never answered.
void CloudSession::on_message(const std::string& topic, Bytes payload) {
  Result<wire::Topic> parsed = wire::parse_topic(topic);
  if (!parsed || parsed->direction != wire::Direction::up) return on_wrong_topic(topic);
  if (parsed->device == wire::kNobody) {
    return events_.refused("unbound names",
                           "the broker lets one client speak for another; see 'spwctl doctor'");
  }
  if (!rates_.take(parsed->device, parsed->channel, now_())) {
    if (events_.flooding) events_.flooding(parsed->device);
    return;
  }
  if (parsed->channel == wire::Channel::state) return on_device_state(parsed->device, payload);
  if (parsed->channel == wire::Channel::tel) {
    if (events_.telemetry) events_.telemetry(parsed->device, payload);
    return;
  }
  Result<wire::Message> message =
      wire::decode_message_in_place(std::make_shared<const Bytes>(std::move(payload)));
  if (!message) {
    return events_.refused("malformed message", topic + ": " + message.error().message);
  }
  for (wire::Item& item : message->items) {
    if (!rates_.take(parsed->device, item, now_())) {
      if (events_.flooding) events_.flooding(parsed->device);
      return;
    }
    events_.item(parsed->device, std::move(item));
  }
}

// `state` hears of every birth, goodbye and will, with what births tell of who speaks as the
// device; `device` only of those that no newer session has overtaken.
void CloudSession::on_device_state(const std::string& device, const Bytes& payload) {
  Result<wire::Presence> presence = wire::decode_presence(payload);
  if (!presence) {
    return events_.refused("malformed presence", device + ": " + presence.error().message);
  }
  Birth& born = born_[device];
  using Sign = link::Births::Sign;
  Sign sign = Sign::none;
  if (presence->online) {
    sign = born.births.note(presence->boot, presence->lineage.store, presence->session, now_());
  }
  if (events_.state) events_.state(device, *presence, sign);
  if (sign == Sign::cloned) tell_cloned(device, *presence, born);
  if (presence->online && sign == Sign::none) born.cloned = 0;
  // A late will, or a birth that was overtaken. A device that lost its store counts its sessions
  // from the beginning again, but not under the boot it had.
  const bool same_boot = presence->boot == born.boot;
  if ((same_boot || !presence->online) && presence->session < born.session) return;
  // The end of a life before this one, which had come to the same number.
  const bool other_life = !presence->online && !same_boot && presence->boot == born.before;
  if (other_life && presence->session == born.session) return;
  if (!same_boot) born.before = born.boot;
  born.boot = presence->boot;
  born.session = presence->session;
  events_.device(device, *presence);
}

void CloudSession::tell_cloned(const std::string& device, const wire::Presence& said, Birth& born) {
  if (events_.cloned) events_.cloned(device, said);
  if (born.cloned++ % kTellEvery != 0) return;
  events_.refused("cloned identity", device +
                                         ": several devices speak with one certificate, and take "
                                         "the connection from each other; revoke it and enrol all "
                                         "of them");
}

}  // namespace spillway::cloud
