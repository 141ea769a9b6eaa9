#include "tests/support/fakes/peer.h"

#include "common/crypto/sha256.h"
#include "common/wire/codec.h"

namespace spillway::test {

wire::ResultItem success_of(TaskId id, Epoch epoch, const std::string& value) {
  wire::ResultItem item;
  item.id = id;
  item.epoch = epoch;
  item.value.bytes = to_bytes(value);
  item.digest = crypto::sha256(item.value.bytes);
  return item;
}

wire::Offer offer_of(TaskId id, Epoch epoch, const TaskSpec& spec) {
  wire::Offer offer;
  offer.id = id;
  offer.epoch = epoch;
  offer.lease = std::chrono::seconds(30);
  offer.spec = wire::encode(spec);
  return offer;
}

Peer::Peer(FakeBroker& broker, std::string client_id, std::vector<std::string> filters)
    : client_id_(std::move(client_id)), filters_(std::move(filters)), transport_(broker) {
  transport_.listen({
      .connected = [this] { (void)transport_.subscribe(filters_); },
      .disconnected = [](const Error&) {},
      .message = [this](const std::string& topic,
                        const Bytes& payload) { take_message(topic, payload); },
      .published = [] {},
  });
}

void Peer::connect() {
  mqtt::ConnectOptions options;
  options.client_id = client_id_;
  transport_.connect(options);
}

void Peer::publish(const std::string& topic, SharedBytes payload, bool retained) {
  (void)transport_.publish(
      {.topic = topic, .payload = std::move(payload), .qos = 1, .retained = retained});
}

void Peer::send(const std::string& topic, std::vector<wire::Item> items) {
  wire::Message message;
  message.session = 1;
  message.seq = ++seq_;
  message.items = std::move(items);
  publish(topic, wire::encode(message));
}

std::string Peer::nacked() {
  const auto nacks = take<wire::Nack>();
  return nacks.size() == 1 ? std::string(lifecycle::to_string(nacks.front().reason)) : "";
}

void Peer::take_message(const std::string& topic, const Bytes& payload) {
  if (topic.ends_with("/state")) {
    if (auto presence = wire::decode_presence(payload)) presences_.push_back(*presence);
    return;
  }
  auto message = wire::decode_message(payload);
  if (!message) return;
  for (wire::Item& item : message->items) items_.push_back(std::move(item));
}

}  // namespace spillway::test
